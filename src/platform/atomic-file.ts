import { randomBytes } from 'node:crypto';
import { chmod, chown, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface FileAttributes {
  /** Permission bits, default 0600. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Writes a whole file so that after any crash either the old or the new content is there, on disk. */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  attributes: FileAttributes = {},
): Promise<void> {
  const { mode = 0o600, uid, gid } = attributes;
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    if (uid !== undefined && gid !== undefined) await chown(temporary, uid, gid);
    await chmod(temporary, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Makes the entries of a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
