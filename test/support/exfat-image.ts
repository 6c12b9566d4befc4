import { closeSync, ftruncateSync, openSync } from 'node:fs';

import { output } from './commands.js';
import { guardMount, type Mounted } from './mounts.js';

/** Sparse: it takes little of the real disk. */
const BYTES = 4 * 2 ** 30;

/**
 * Makes an exFAT in the new file `file` and mounts it on the existing, empty folder `path`: names that differ by case
 * only are one, and many characters are refused. Needs root, and the Debian packages exfat-fuse and exfatprogs.
 */
export function mountExfatImage(file: string, path: string, owner: { uid: number; gid: number }): Mounted {
  const descriptor = openSync(file, 'wx');
  ftruncateSync(descriptor, BYTES);
  closeSync(descriptor);
  output('mkfs.exfat', [file]);
  const device = output('losetup', ['--find', '--show', file]).toString('utf8').trim();
  try {
    output('mount.exfat-fuse', ['-o', `uid=${owner.uid},gid=${owner.gid}`, device, path]);
  } finally {
    // it goes by itself once nobody uses it any more
    output('losetup', ['--detach', device]);
  }
  return guardMount(path);
}
