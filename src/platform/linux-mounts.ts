import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { AGENT_FILE } from './agent-file.js';
import { runsSystemd } from './linux-services.js';
import { harmfulOptions, mountLines, mountOf, type MountLine } from './mount-options.js';
import type { Platform } from './platform.js';
import { runCommand, type RunOptions } from './run.js';

/** mount(8), umount(8): the mount failed. */
const FAILED = 32;
/** Milliseconds: a server that does not answer must not hang a step. */
const TIMEOUT = 90_000;
/** errno values with which mount.cifs says that nobody answered: ENETDOWN … EINPROGRESS. */
const UNREACHABLE = new Set([100, 101, 103, 104, 110, 111, 112, 113, 115]);
const EACCES = 13;
const ENOENT = 2;

/** Mounts of /etc/fstab. */
export const linuxMounts: Platform['mounts'] = {
  table: '/etc/fstab',
  credentials: dirname(AGENT_FILE),

  tableChanged: async (signal) => {
    if (await runsSystemd()) await runCommand('systemctl', ['daemon-reload'], { signal });
  },

  mounted: async (path) => {
    // The kernel's list knows no links. The last part is not looked at: a dead share there would not answer.
    const above = await realpath(dirname(path)).catch(() => dirname(path));
    const place = join(above, basename(path));
    return (await mountTable()).some(({ point }) => point === place);
  },

  harmful: async (path) => {
    const mount = mountOf(await mountTable(), path);
    return mount === undefined ? [] : harmfulOptions(mount);
  },

  type: async (path) => mountOf(await mountTable(), path)?.type ?? '',

  mount: async (path, signal) => {
    const { exitCode, stderr } = await runCommand('mount', [path], { ...plain(signal), accept: [0, FAILED] });
    if (exitCode === FAILED) throw mountFailure(path, stderr);
  },

  unmount: async (path, signal) => {
    const { exitCode } = await runCommand('umount', [path], { ...plain(signal), accept: [0, FAILED] });
    if (exitCode !== FAILED) return;
    throw new RolloutError('MOUNT_BUSY', `${path} cannot be unmounted: something still uses it`);
  },

  sealed: async (path, signal) => {
    const { stdout } = await runCommand('lsattr', ['-d', '--', path], { signal, accept: [0, 1] });
    return stdout.split(' ')[0]?.includes('i') ?? false;
  },

  seal: async (path, sealed, signal) => {
    // Exit code 1: the file system knows no such attribute. The mode of the folder then has to do.
    await runCommand('chattr', [sealed ? '+i' : '-i', '--', path], { signal, accept: [0, 1] });
  },
};

const mountTable = async (): Promise<MountLine[]> => mountLines(await readFile('/proc/self/mountinfo', 'utf8'));

const plain = (signal: AbortSignal): RunOptions => ({
  signal,
  timeout: TIMEOUT,
  noted: true,
  env: { LC_ALL: 'C' },
});

/** What a failed mount means, by the errno that mount.cifs prints: `mount error(13): …`. */
export function mountFailure(path: string, stderr: string): RolloutError {
  const errno = Number(/mount error\((\d+)\)/.exec(stderr)?.[1] ?? 0);
  if (errno === EACCES) {
    return new RolloutError('SHARE_DENIED', `the share server refuses the account with which ${path} is mounted`);
  }
  if (errno === ENOENT) return new RolloutError('MOUNT_FAILED', `the share server has no such share for ${path}`);
  if (UNREACHABLE.has(errno)) {
    return new RolloutError('SHARE_UNREACHABLE', `the share server does not answer: ${path} cannot be mounted`);
  }
  const number = errno === 0 ? '' : ` (system error ${errno})`;
  return new RolloutError('MOUNT_FAILED', `${path} cannot be mounted${number}`);
}
