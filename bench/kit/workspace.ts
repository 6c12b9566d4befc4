import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { output } from '../../test/support/commands.js';
import type { Mounted } from '../../test/support/mounts.js';
import { removeTree } from '../../test/support/trees/wicked-tree.js';
import { findSftpServer } from '../share/relay.js';
import { killAll } from './measure.js';
import { Stop } from './stop.js';

/** Which Debian package a tool comes from, where it is not called the same. */
const PACKAGES: Readonly<Record<string, string>> = {
  fpsync: 'fpart',
  cp: 'coreutils',
  'sftp-server': 'openssh-sftp-server',
};

/** A folder for one benchmark, and what has to be closed before it can be removed. */
export class Workspace {
  readonly root: string;
  private readonly mounts: Mounted[] = [];
  private folders = 0;

  constructor(parent: string) {
    this.root = mkdtempSync(join(parent, 'icewarp-rollout-bench-'));
    process.once('exit', this.abandon);
  }

  /** A new empty folder; its name begins with the given one. */
  folder(name: string): string {
    this.folders += 1;
    const path = join(this.root, `${name}-${this.folders}`);
    mkdirSync(path);
    return path;
  }

  /** Removes a folder with all that is in it. */
  remove(...paths: readonly string[]): void {
    for (const path of paths) removeTree(path);
  }

  /** Sees to it that the mount is closed. */
  keep<T extends Mounted>(mount: T): T {
    this.mounts.push(mount);
    return mount;
  }

  async close(): Promise<void> {
    for (const mount of this.mounts.splice(0).reverse()) await mount.close();
    removeTree(this.root);
    process.removeListener('exit', this.abandon);
  }

  /** On Ctrl-C and the like, when nothing can be waited for: gigabytes in memory must not stay. */
  private readonly abandon = (): void => {
    killAll();
    for (const { path } of this.mounts) spawnSync('umount', ['-l', '--', path]);
    removeTree(this.root);
  };
}

/**
 * Looks whether the tools are there.
 *
 * @throws Stop with what to install
 */
export function requireTools(tools: readonly string[]): void {
  const missing = [...new Set(tools)].filter((tool) => !isInstalled(tool));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool] ?? tool))];
  throw new Stop(`not installed: ${missing.join(', ')}. As root: apt-get install ${packages.join(' ')}`);
}

/** Whether a tool can be started. */
export function isInstalled(tool: string): boolean {
  if (tool === 'sftp-server') return findSftpServer() !== undefined;
  if (tool.startsWith('/')) return existsSync(tool);
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool)));
}

/**
 * Stops when the program behind "ours" has no `transfer` command, or an older build than the sources is used.
 *
 * @throws Stop with what to do
 */
export function requireEngine(engine: string): void {
  if (!existsSync(engine)) throw new Stop('there is no build: npm run build');
  const { status } = spawnSync(process.execPath, [engine, 'transfer', 'copy', '--help'], { stdio: 'ignore' });
  if (status !== 0)
    throw new Stop('this build has no `transfer copy`; the other contenders run with --without icewarp-rollout');
}

/** Files and bytes of files below a folder, without the engine's own at its root; independent of the mover. */
export function sizeOf(folder: string): { readonly files: number; readonly bytes: number } {
  const args = ['.', '-type', 'f', '!', '-path', './.icewarp-rollout-*', '-printf', '%s\\n'];
  const sizes = output('find', args, { cwd: folder }).toString('latin1').trimEnd().split('\n');
  const files = sizes.filter((size) => size !== '');
  return { files: files.length, bytes: files.reduce((sum, size) => sum + Number(size), 0) };
}

/**
 * Compares what has arrived with what was to arrive: who copies less is not faster.
 *
 * @throws Stop naming the mover
 */
export function requireSize(
  mover: string,
  folder: string,
  expected: { readonly files: number; readonly bytes: number },
): void {
  const found = sizeOf(folder);
  if (found.files === expected.files && found.bytes === expected.bytes) return;
  const said = ({ files, bytes }: typeof found): string => `${files} files with ${bytes} bytes`;
  throw new Stop(`${mover} left ${said(found)} instead of ${said(expected)}`);
}
