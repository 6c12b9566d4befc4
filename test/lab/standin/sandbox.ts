import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { freePort } from '../../../src/lab/ports.js';
import { writeInstaller } from '../../../src/lab/standin/installer.js';
import { runCommand, type RunResult } from '../../../src/platform/run.js';

/** The compiled product this test belongs to. */
const DIST = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** Private to each sandbox; /opt keeps nothing of the host, so the tests cannot run from below it. */
const PRIVATE = ['opt', 'etc', 'srv'];

export const VERSION = '14.2.0.1';

export interface SandboxOptions {
  /** Added to the machine's lab file. */
  readonly lab?: Readonly<Record<string, unknown>>;
  /** uid of the user `icewarp` on this machine; default 4501. */
  readonly uid?: number;
}

/** One machine: mount, UTS and process namespaces of its own on the host's loopback. */
export class Sandbox {
  private constructor(
    readonly name: string,
    readonly address: string,
    readonly root: string,
    private readonly holder: ChildProcess,
    private readonly pid: number,
    readonly ports: { readonly smtp: number; readonly pop3: number; readonly imap: number },
  ) {}

  /** @param folder - where the machine's disk lies; @param share - a folder of the host seen as /srv/share */
  static async start(folder: string, name: string, address: string, options: SandboxOptions = {}): Promise<Sandbox> {
    const root = join(folder, name);
    for (const part of ['opt', 'srv/share', 'run', 'home']) await mkdir(join(root, part), { recursive: true });
    await runCommand('cp', ['-a', '/etc', root]);
    const ports = { smtp: await freePort([address]), pop3: await freePort([address]), imap: await freePort([address]) };
    const uid = options.uid ?? 4501;
    const passwd = await readFile('/etc/passwd', 'utf8');
    await writeFile(join(root, 'etc/passwd'), `${passwd}icewarp:x:${uid}:${uid}::/nonexistent:/bin/false\n`);
    await writeFile(join(root, 'etc/hosts'), `127.0.0.1 localhost\n${address} ${name}\n`);
    const lab = { address, ports, node: process.execPath, dist: DIST, ...options.lab };
    await writeFile(join(root, 'etc/icewarp-lab.json'), JSON.stringify(lab));
    const script = `hostname ${name}
      for part in ${PRIVATE.join(' ')}; do mount --bind "$1/$part" /$part || exit 1; done
      mount -t tmpfs tmpfs /run || exit 1
      echo ready; exec sleep infinity`;
    const flags = ['--mount', '--uts', '--pid', '--fork', '--mount-proc', '--propagation', 'private', '--kill-child'];
    const holder = spawn('unshare', [...flags, 'sh', '-c', script, 'sh', root], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('exit', () => reject(new Error('the sandbox did not start')));
    });
    const children = await readFile(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8');
    return new Sandbox(name, address, root, holder, Number(children.trim()), ports);
  }

  /** Runs a command on the machine; any exit code is an answer. */
  run(file: string, ...args: readonly string[]): Promise<RunResult> {
    const enter = ['-t', String(this.pid), '-m', '-u', '-p', '--', file, ...args];
    const accept = Array.from({ length: 256 }, (_, code) => code);
    return runCommand('nsenter', enter, { accept, env: { HOME: join(this.root, 'home') }, timeout: 60_000 });
  }

  tool(...args: readonly string[]): Promise<RunResult> {
    return this.run('/opt/icewarp/tool.sh', ...args);
  }

  async get(variable: string): Promise<string> {
    const { stdout } = await this.tool('get', 'system', variable);
    return stdout.replace(/^[^:]*: ?/, '');
  }

  services(...args: readonly string[]): Promise<RunResult> {
    return this.run('/opt/icewarp/icewarpd.sh', ...args);
  }

  /** Shows a folder of the host as /srv/share, as a mounted share would be. */
  async mountShare(folder: string): Promise<void> {
    await this.run('mount', '--bind', folder, '/srv/share');
  }

  async install(...args: readonly string[]): Promise<RunResult> {
    const { path } = await writeInstaller(join(this.root, 'home/installer'), { version: VERSION });
    return this.run(path, '--auto', ...args);
  }

  /** Writes path.dat: line number → text. */
  async writePathDat(lines: Readonly<Record<number, string>>): Promise<void> {
    const text = Array.from({ length: 17 }, (_, index) => `${lines[index + 1] ?? ''}\r\n`).join('');
    await writeFile(join(this.root, 'opt/icewarp/path.dat'), text);
  }

  async changeLab(change: Readonly<Record<string, unknown>>): Promise<void> {
    const file = join(this.root, 'etc/icewarp-lab.json');
    const lab = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(file, JSON.stringify({ ...lab, ...change }));
  }

  /** The end of everything on the machine. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.holder.once('exit', resolve));
    process.kill(this.pid, 'SIGKILL');
    await ended;
  }
}
