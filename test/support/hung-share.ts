import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { runCommand } from '../../src/platform/run.js';

const SERVER = '/usr/lib/openssh/sftp-server';

/** A share over sshfs whose server can be stopped in the middle of everything, as a dead file server is. */
export class HungShare {
  private constructor(
    private readonly folder: string,
    private readonly client: ChildProcess,
    private readonly server: number,
  ) {}

  /** Where it is mounted. */
  get mount(): string {
    return join(this.folder, 'mount');
  }

  static async create(): Promise<HungShare> {
    const folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-hung-'));
    const [served, mount, start, pid] = ['served', 'mount', 'start', 'pid'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
      string,
    ];
    await mkdir(served);
    await mkdir(mount);
    // instead of ssh: the server itself, on the same pipe
    await writeFile(start, `#!/bin/sh\necho $$ >${pid}\nexec ${SERVER}\n`);
    await chmod(start, 0o700);
    const options = ['-f', '-o', `ssh_command=${start}`, '-o', 'dir_cache=no,attr_timeout=0,entry_timeout=0'];
    const client = spawn('sshfs', [`share:${served}`, mount, ...options], { stdio: 'ignore' });
    const other = (await stat(folder)).dev;
    for (let look = 0; (await stat(mount)).dev === other; look += 1) {
      if (look > 500) throw new Error('the share was not mounted within 10 s');
      await sleep(20);
    }
    return new HungShare(folder, client, Number(await readFile(pid, 'utf8')));
  }

  /** From now on whoever uses the share waits in the kernel. */
  hang(): void {
    process.kill(this.server, 'SIGSTOP');
  }

  answer(): void {
    process.kill(this.server, 'SIGCONT');
  }

  async remove(): Promise<void> {
    this.answer();
    await runCommand('fusermount3', ['-u', '-z', this.mount], { accept: [0, 1] });
    this.client.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}
