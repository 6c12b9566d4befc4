import { readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { pathDatFile } from '../icewarp/layout.js';
import { lineOf, parsePathDat, printPathDat, titleOf, withLines, type PathDat } from '../icewarp/path-dat.js';
import { syncDirectory, writeFileAtomic, type FileAttributes } from '../platform/atomic-file.js';

/** Line number → content. */
export type Lines = Readonly<Record<number, string>>;

/** path.dat of an installation, byte for byte; null where there is none: a stand-alone node. */
export async function readPathDatBytes(directory: string): Promise<Buffer | null> {
  try {
    return await readFile(pathDatFile(directory));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export function linesIn(bytes: Buffer | null): PathDat {
  return parsePathDat(bytes?.toString('utf8') ?? '');
}

/** Writes some of the lines; all others keep what they hold. */
export async function writePathDatLines(directory: string, now: PathDat, lines: Lines): Promise<void> {
  await write(directory, printPathDat(withLines(now, lines)));
}

/** Puts the file back byte for byte; null: there was none. */
export async function putBackPathDat(directory: string, original: Buffer | null): Promise<void> {
  if (original !== null) {
    await write(directory, original);
    return;
  }
  const file = pathDatFile(directory);
  await rm(file, { force: true });
  await syncDirectory(dirname(file));
}

/** @throws RolloutError CHANGED_MEANWHILE unless every line is one of ours or the original. */
export function assertLinesOurs(now: PathDat, original: PathDat, ours: Lines): void {
  const count = Math.max(now.length, original.length);
  for (let number = 1; number <= count; number += 1) {
    const allowed = [lineOf(original, number), ours[number]];
    if (allowed.includes(lineOf(now, number))) continue;
    throw new RolloutError('CHANGED_MEANWHILE', `${titleOf(number)} is neither as we left it nor as before`);
  }
}

async function write(directory: string, content: string | Buffer): Promise<void> {
  await writeFileAtomic(pathDatFile(directory), content, await attributesFor(directory));
}

/** The file's own attributes; a new one belongs to whom the local configuration belongs to, since services read it. */
async function attributesFor(directory: string): Promise<FileAttributes> {
  const file = await stat(pathDatFile(directory)).catch(() => null);
  if (file !== null) return { mode: file.mode & 0o777, uid: file.uid, gid: file.gid };
  const { uid, gid } = await stat(join(directory, 'config')).catch(() => stat(directory));
  return { mode: 0o640, uid, gid };
}
