import { closeSync, openSync, ftruncateSync } from 'node:fs';

import { output } from '../support/commands.js';
import type { Mounted } from '../support/mounts.js';
import { guardMount } from '../support/mounts.js';
import { pauseTree } from '../support/process-tree.js';

/**
 * As little as ext4 may do on its own: it writes when it is told to sync and hardly otherwise, and does not repair
 * programs that rename before they sync. So a power cut loses all that it may lose.
 */
const MOUNT_OPTIONS = 'loop,commit=600,noauto_da_alloc';
const MAKE_OPTIONS = ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0'];
/** What e2fsck answers when nothing was wrong, and when it has replayed the journal or repaired what that explains. */
const SOUND = [0, 1];

/** An ext4 in a file, mounted. */
export interface Ext4Image extends Mounted {
  readonly file: string;
}

/** Makes an ext4 of `bytes` in the new file `file` and mounts it on the existing folder `path`. Needs root. */
export function makeExt4Image(file: string, bytes: number, path: string): Ext4Image {
  const descriptor = openSync(file, 'wx');
  ftruncateSync(descriptor, bytes);
  closeSync(descriptor);
  output('mkfs.ext4', [...MAKE_OPTIONS, file]);
  return mountExt4Image(file, path);
}

/** Mounts an existing image, which replays its journal as after a power cut. */
export function mountExt4Image(file: string, path: string): Ext4Image {
  output('mount', ['-t', 'ext4', '-o', MOUNT_OPTIONS, file, path]);
  return { file, ...guardMount(path) };
}

/**
 * Copies an image as a power cut at this moment would leave it: what the file system has not handed to its disk is lost.
 * What it has handed over is kept, and in order, so this does not show a disk whose cache lies. The process `pid` and
 * its descendants stand still meanwhile and go on afterwards.
 *
 * @throws Error when the copy is no sound file system
 */
export async function cutPower(image: Ext4Image, copy: string, pid?: number): Promise<void> {
  const resume = pid === undefined ? () => undefined : await pauseTree(pid);
  try {
    output('cp', ['--sparse=always', '--', image.file, copy]);
  } finally {
    resume();
  }
  output('e2fsck', ['-f', '-p', copy], { accept: SOUND });
}
