import { spawn } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { output } from './commands.js';

const PATIENCE = { tries: 40, pause: 100 };

/** Something mounted that goes away again. */
export interface Mounted {
  readonly path: string;
  /** Unmounts; a second call does nothing. */
  readonly close: () => Promise<void>;
}

/** A disk in memory with little room. */
export interface SmallDisk extends Mounted {
  readonly resize: (room: Room) => void;
  /** Files, folders and links on it, counted by the kernel: costs nothing however many there are. */
  readonly count: () => number;
}

/** How much a disk holds. The file system rounds bytes up to whole pages of 4 kB and counts its root as one inode. */
export interface Room {
  readonly bytes?: number;
  readonly inodes?: number;
}

/** Mounts a tmpfs of limited room on an existing folder. Needs root. */
export function mountSmallDisk(path: string, room: Room): SmallDisk {
  output('mount', ['-t', 'tmpfs', '-o', options(room), 'tmpfs', path]);
  const { close } = guardMount(path);
  return {
    path,
    close,
    resize: (next) => {
      output('mount', ['-o', `remount,${options(next)}`, path]);
    },
    count: () => {
      const { files, ffree } = statfsSync(path);
      return files - ffree;
    },
  };
}

/**
 * Sees to it that what is mounted at `path` is unmounted: by `close`, and even when this process is killed.
 *
 * @throws Error from `close`, when something still uses the mount after four seconds; it is detached nevertheless
 */
export function guardMount(path: string): Mounted {
  // It reads until our end of the pipe is closed, which the kernel does however we end.
  const guard = spawn('sh', ['-c', 'read -r line; umount -l -- "$1"', 'sh', path], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  guard.stdin.on('error', () => undefined);
  (guard.stdin as unknown as { unref: () => void }).unref();
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    try {
      await unmount(path);
    } finally {
      guard.kill('SIGKILL');
    }
  };
  return { path, close };
}

async function unmount(path: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      output('umount', ['--', path]);
      return;
    } catch (error) {
      if (attempt === PATIENCE.tries) {
        output('umount', ['-l', '--', path]);
        throw error;
      }
    }
    await sleep(PATIENCE.pause);
  }
}

function options({ bytes, inodes }: Room): string {
  const parts = [
    'mode=755',
    ...(bytes === undefined ? [] : [`size=${bytes}`]),
    ...(inodes === undefined ? [] : [`nr_inodes=${inodes}`]),
  ];
  return parts.join(',');
}
