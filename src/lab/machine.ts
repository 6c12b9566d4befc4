import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { runCommand, type RunOptions, type RunResult } from '../platform/run.js';
import { BOOTED, bootScript } from './boot-script.js';
import { MOUNT_HELPER, PACKAGE_DATABASE } from './disk.js';
import { MACHINE_ENVIRONMENT, NODE, packageRoot } from './host.js';
import { forgetBarriers } from './firewall.js';
import { hostName, isNode, labPaths, type MachineName } from './layout.js';
import { awaitChildOf, childOf, ended, isAlive, labMark, type ProcessId, signal, until } from './processes.js';
import type { ProcessBook } from './state.js';

/** A daemon's file for its output, as a path on the machine, and what is added to its environment. */
export interface DaemonOptions {
  readonly log: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * One machine of the lab: a mount, host-name and process namespace of its own, held by an init process; the network
 * is the host's loopback. Its disk is a folder, so it outlives the power.
 */
export class Machine {
  /** Host path of the folder that is the machine's disk: `<disk>/etc/hosts` is its /etc/hosts. */
  readonly disk: string;

  constructor(
    readonly name: MachineName,
    readonly address: string,
    private readonly directory: string,
    private readonly book: ProcessBook,
  ) {
    this.disk = join(labPaths(directory).machines, name);
  }

  /** The machine's init process, as the host numbers it; undefined while it is without power. */
  get init(): ProcessId | undefined {
    const init = this.book.get(this.key);
    return isAlive(init) ? init : undefined;
  }

  get isOn(): boolean {
    return this.init !== undefined;
  }

  /**
   * Makes the namespaces, mounts the disk, and remembers the init process. Nothing is started: see {@link boot}.
   *
   * @throws RolloutError LAB_FAILED with the boot script's message.
   */
  async powerOn(): Promise<void> {
    if (this.isOn) return;
    const boot = await this.prepareBoot();
    const log = await open(boot.log, 'w', 0o600);
    const holder = spawn('unshare', [...NAMESPACES, '/bin/sh', boot.script], {
      detached: true,
      stdio: ['ignore', 'pipe', log.fd],
      cwd: '/',
      env: { ...MACHINE_ENVIRONMENT, ...labMark(this.directory) },
    });
    await log.close();
    const booted = await saysBooted(holder);
    const init = holder.pid === undefined ? undefined : childOf(holder.pid);
    this.book.set(this.key, init);
    holder.unref();
    if (booted && isAlive(init)) return;
    const message = (await readFile(boot.log, 'utf8')).trim();
    throw new RolloutError('LAB_FAILED', `machine ${this.name} did not start: ${message}`);
  }

  /** Does what a machine does when it starts: mounts its fstab and starts what its run level 2 names. */
  async boot(): Promise<void> {
    const accept = [0, 1, 2, 4, 8, 16, 32, 64];
    await this.run('mount', ['--all', '--types', 'cifs'], { accept });
    await this.run('run-parts', ['--regex=^S[0-9][0-9]', '--arg=start', '/etc/rc2.d'], { accept });
  }

  /** A power cut: the kernel kills every process of the machine at once. The disk stays. */
  async powerOff(): Promise<void> {
    const { init } = this;
    signal(init, 'SIGKILL');
    if (!(await ended(init, 10_000))) {
      throw new RolloutError('LAB_FAILED', `machine ${this.name} could not be powered off`);
    }
    this.book.set(this.key, undefined);
    await forgetBarriers((table) => table.endsWith(`-${this.address}`));
  }

  /** Runs a command on the machine and waits for it; options and errors are those of `runCommand`. */
  async run(file: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    const { uid, gid, cwd, ...rest } = options;
    const env = { ...MACHINE_ENVIRONMENT, ...labMark(this.directory), ...rest.env };
    const enter = [
      ...this.enter(),
      ...(gid === undefined ? [] : ['--setgid', String(gid)]),
      ...(uid === undefined ? [] : ['--setuid', String(uid)]),
      `--wdns=${cwd ?? '/'}`,
    ];
    return runCommand('nsenter', [...enter, '--', file, ...args], { ...rest, env });
  }

  /**
   * Starts a daemon on the machine that outlives this process, and returns it as the host sees it.
   *
   * @throws RolloutError LAB_FAILED when it cannot be started.
   */
  async spawn(file: string, args: readonly string[], options: DaemonOptions): Promise<ProcessId> {
    const log = await open(this.disk + options.log, 'a', 0o640);
    const entered = spawn('nsenter', [...this.enter(), '--wdns=/', '--', file, ...args], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { ...MACHINE_ENVIRONMENT, ...labMark(this.directory), ...options.env },
    });
    // A failure to start also shows as a missing process number, which is what is looked at.
    entered.once('error', () => undefined).unref();
    await log.close();
    const daemon = entered.pid === undefined ? undefined : await awaitChildOf(entered.pid, 5000);
    if (daemon === undefined) throw new RolloutError('LAB_FAILED', `${file} could not be started on ${this.name}`);
    return daemon;
  }

  private get key(): string {
    return `machine ${this.name}`;
  }

  private enter(): string[] {
    const { init } = this;
    if (init === undefined) throw new RolloutError('LAB_STATE', `machine ${this.name} is without power`);
    return ['--target', String(init.pid), '--mount', '--uts', '--pid'];
  }

  private async prepareBoot(): Promise<{ script: string; log: string }> {
    const paths = labPaths(this.directory);
    const staging = join(paths.boot, this.name, 'run');
    await mkdir(staging, { recursive: true });
    const script = join(paths.boot, this.name, 'boot.sh');
    const text = bootScript({
      hostName: hostName(this.name),
      disk: this.disk,
      staging,
      shareDisk: join(paths.machines, 'share'),
      keep: [packageRoot(), NODE, PACKAGE_DATABASE],
      ...(isNode(this.name) ? { mountHelper: MOUNT_HELPER } : {}),
    });
    await writeFile(script, text, { mode: 0o600 });
    return { script, log: join(paths.boot, this.name, 'boot.log') };
  }
}

const NAMESPACES = ['--mount', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];

/** Waits for the boot script's last word; false when it ended without. */
async function saysBooted(holder: ChildProcess): Promise<boolean> {
  let said = '';
  let over = false;
  const end = (): void => {
    over = true;
  };
  holder.once('error', end).once('exit', end);
  holder.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until(() => over || said.includes(BOOTED), 20_000);
  holder.stdout?.destroy();
  return said.includes(BOOTED);
}
