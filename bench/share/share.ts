import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

import type { Mounted } from '../../test/support/mounts.js';
import { guardMount } from '../../test/support/mounts.js';
import { until } from '../../test/support/process-tree.js';
import type { Relay } from './relay.js';
import { openRelay } from './relay.js';

/** What a share is made of. */
export interface ShareOptions {
  /** Absolute path of the existing folder that is shared. */
  readonly backing: string;
  /** Absolute path of the existing folder where it appears. */
  readonly path: string;
  /** Milliseconds that are added each way; default 1. */
  readonly delay?: number;
  /** Further options of sshfs, such as `['-o', 'dir_cache=no']`. */
  readonly options?: readonly string[];
}

/** A share with a delay: sshfs over a relay to an sftp-server on this machine. Needs root, sshfs and sftp-server. */
export interface Share extends Mounted {
  readonly backing: string;
  readonly relay: Relay;
  /** Unmounts and mounts again: nothing is cached any more. */
  readonly remount: () => Promise<void>;
}

/** Mounts a share and waits until it is there. `close` also works while it hangs. */
export async function mountShare(options: ShareOptions): Promise<Share> {
  const { backing, path } = options;
  const relay = await openRelay(options.delay ?? 1);
  let mount = await mountOnce(relay, options).catch(async (error: unknown) => {
    await relay.close();
    throw error;
  });
  const remount = async (): Promise<void> => {
    await mount.close();
    mount = await mountOnce(relay, options);
  };
  const close = async (): Promise<void> => {
    relay.resume();
    try {
      await mount.close();
    } finally {
      await relay.close();
    }
  };
  return { path, backing, relay, remount, close };
}

async function mountOnce(relay: Relay, { backing, path, options = [] }: ShareOptions): Promise<Mounted> {
  const args = ['-f', '-o', `directport=${relay.port}`, ...options, `127.0.0.1:${backing}`, path];
  const sshfs = spawn('sshfs', args, { detached: true, stdio: ['ignore', 'ignore', 'inherit'] });
  await once(sshfs, 'spawn');
  await until(`sshfs has mounted ${path}`, () => isMounted(path) || hasEnded(sshfs));
  if (hasEnded(sshfs)) throw new Error(`sshfs ended with ${sshfs.exitCode ?? sshfs.signalCode}`);
  const guard = guardMount(path);
  const close = async (): Promise<void> => {
    const gone = hasEnded(sshfs) ? Promise.resolve() : once(sshfs, 'exit');
    try {
      await guard.close();
    } finally {
      // When it has been detached from under somebody it would serve on.
      const timer = setTimeout(() => sshfs.kill('SIGKILL'), 1_000);
      await gone;
      clearTimeout(timer);
    }
  };
  return { path, close };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function isMounted(path: string): boolean {
  return readFileSync('/proc/mounts', 'latin1').includes(` ${path} fuse.sshfs `);
}
