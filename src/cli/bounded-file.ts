import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';

/** Why a file's text was not taken, in words that follow its name. */
export class NotTaken extends Error {}

/**
 * The text of a file that an operator named. No more is read than it may have, whatever is there: a device has no end, and
 * a file of a hundred megabytes is none of ours.
 *
 * @param most bytes.
 * @throws NotTaken when it cannot be read, has more, or is not text in UTF-8.
 */
export async function readAtMost(file: string, most: number): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await firstBytes(file, most + 1);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new NotTaken(`cannot be read (${code})`);
  }
  if (bytes.length > most) throw new NotTaken(`is longer than ${most} bytes`);
  if (!isUtf8(bytes)) throw new NotTaken('is not text in UTF-8');
  return bytes.toString('utf8');
}

async function firstBytes(file: string, most: number): Promise<Buffer> {
  const handle = await open(file);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of handle.createReadStream({ end: most - 1, autoClose: false }))
      chunks.push(chunk as Buffer);
  } finally {
    await handle.close();
  }
  return Buffer.concat(chunks);
}
