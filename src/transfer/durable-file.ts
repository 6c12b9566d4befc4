import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** What file systems answer that do not offer to sync a directory (R3). */
export const NOT_OFFERED = new Set(['EINVAL', 'ENOTSUP', 'ENOSYS', 'EBADF', 'EISDIR']);

/**
 * Writes a small file so that after any crash either the old or the new text is there, on disk.
 *
 * @param temporary name beside it for the unfinished file; the caller sees to it that nobody else uses it meanwhile.
 */
export async function writeDurable(dir: string, name: string, text: string, temporary: string): Promise<void> {
  const unfinished = join(dir, temporary);
  try {
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
    await using(await open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600), async (file) => {
      await file.writeFile(text);
      await file.sync();
    });
    await rename(unfinished, join(dir, name));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await syncDirectory(dir);
}

/** Makes a directory's entries durable where the file system offers that. */
export async function syncDirectory(dir: string): Promise<void> {
  await using(await open(dir, 'r'), async (directory) => {
    try {
      await directory.sync();
    } catch (error) {
      if (!NOT_OFFERED.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  });
}

/** A small file's text, not through a symbolic link; null when there is none of that name. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await using(await open(path, constants.O_RDONLY | constants.O_NOFOLLOW), (file) => file.readFile('utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Uses an open file and closes it; an error from closing is one of the work, because closing may write (R2). */
async function using<T>(file: FileHandle, work: (file: FileHandle) => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work(file);
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  await file.close();
  return result;
}
