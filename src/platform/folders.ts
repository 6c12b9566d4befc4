import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rm, rmdir, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import type { Room } from '../cluster/room.js';

/** Owner and rights of a folder; `mode` as octal text such as 750. */
export interface FolderFacts {
  readonly uid: number;
  readonly gid: number;
  readonly mode: string;
}

/** What is at the path: null when nothing is. @throws RolloutError FOLDER_CONFLICT when it is no folder. */
export async function folderAt(path: string): Promise<FolderFacts | null> {
  try {
    const found = await lstat(path);
    if (!found.isDirectory()) throw new RolloutError('FOLDER_CONFLICT', `${path} is there already and is no folder`);
    return { uid: found.uid, gid: found.gid, mode: (found.mode & 0o7777).toString(8) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The folders above the paths that are missing, the outermost first. */
export async function missingParents(paths: readonly string[]): Promise<string[]> {
  const own = new Set(paths.map((path) => resolve(path)));
  const missing = new Set<string>();
  for (const path of own) {
    for (let up = dirname(path); (await folderAt(up)) === null; up = dirname(up)) if (!own.has(up)) missing.add(up);
  }
  return [...missing].sort();
}

/** Makes the folder if it is missing, with root's parents (0755), and gives it owner and rights. */
export async function ensureFolder(path: string, { uid, gid, mode }: FolderFacts): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  // Through a handle that follows no link: the folder above may belong to the user whom we work for.
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await folder.chown(uid, gid);
    await folder.chmod(parseInt(mode, 8));
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Removes a folder that holds nothing, or nothing but what is ours.
 *
 * @param ours - tells by its name whether something in it is ours, with all that is in it.
 * @returns whether the folder is gone.
 */
export async function removeEmptyFolder(path: string, ours: (name: string) => boolean = () => false): Promise<boolean> {
  if ((await folderAt(path)) === null) return true;
  const names = await readdir(path);
  if (!names.every(ours)) return false;
  for (const name of names) await rm(join(path, name), { force: true, recursive: true });
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTEMPTY') return false;
    throw error;
  }
}

/** The room where a folder is or will be: that of the nearest folder above it which exists. */
export async function roomFor(folder: string): Promise<Room> {
  for (let place = folder; ; place = dirname(place)) {
    try {
      const { bavail, bsize, files, ffree } = await statfs(place);
      return { bytes: bavail * bsize, files: files === 0 ? null : ffree };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'ENOENT' && code !== 'ENOTDIR') || place === dirname(place)) throw error;
    }
  }
}
