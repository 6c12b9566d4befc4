import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { runCommand } from '../../src/platform/run.js';
import { eventually } from './eventually.js';

const SERVER = '/usr/lib/openssh/sftp-server';
/** Nothing is cached. */
const PLAIN = 'dir_cache=no,attr_timeout=0,entry_timeout=0';

/** How a mount differs from one that caches nothing. */
export interface SshfsOptions {
  /** As in `-o`. */
  readonly options?: string;
  /** What is added to the server's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A folder that is mounted a second time over sshfs, with a server of its own and nothing cached. */
export class Sshfs {
  private constructor(
    /** Where it is mounted. */
    readonly mount: string,
    /** Process that serves it. */
    readonly server: number,
    private readonly client: ChildProcess,
  ) {}

  /** Mounts an existing folder on a new one, beside which it keeps two files of its own. */
  static async of(
    served: string,
    mount: string,
    { options: how = PLAIN, env = {} }: SshfsOptions = {},
  ): Promise<Sshfs> {
    const [start, pid] = [`${mount}.start`, `${mount}.pid`];
    await mkdir(mount);
    // instead of ssh: the server itself, on the same pipe
    const exports = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
    await writeFile(start, `#!/bin/sh\necho $$ >${pid}\n${exports.join('')}exec ${SERVER}\n`);
    await chmod(start, 0o700);
    const options = ['-f', '-o', `ssh_command=${start}`, '-o', how];
    const client = spawn('sshfs', [`share:${served}`, mount, ...options], { stdio: 'ignore' });
    const { dev } = await stat(dirname(mount));
    await eventually(`${mount} is mounted`, async () => (await stat(mount)).dev !== dev);
    return new Sshfs(mount, Number(await readFile(pid, 'utf8')), client);
  }

  /** Takes it away, also from under somebody. */
  async unmount(): Promise<void> {
    const gone = this.client.exitCode === null && this.client.signalCode === null ? once(this.client, 'exit') : null;
    await runCommand('fusermount3', ['-u', '-z', this.mount], { accept: [0, 1] });
    this.client.kill('SIGKILL');
    await gone;
  }
}
