import { constants } from 'node:fs';
import { open, readlink, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { PathScanner } from '../icewarp/path-scan.js';
import type { Finding } from '../icewarp/path-verdict.js';
import { bytesOf, isBinary } from '../icewarp/text-pieces.js';
import { below, shown, treeRoot, walkTree, type TreeEntry } from '../platform/tree.js';

/** How much is looked through; the rest is told as not searched. */
export interface SearchLimits {
  readonly files: number;
  readonly bytesOfFile: number;
  readonly bytes: number;
}

const LIMITS: SearchLimits = { files: 100_000, bytesOfFile: 64 * 1024 ** 2, bytes: 2 * 1024 ** 3 };
const CHUNK = 64 * 1024;
const LOOK_YOURSELF = 'look through it yourself';

/** What was looked through, counted while it is. */
export interface Searched {
  files: number;
  bytes: number;
  /** Files that are no text: databases, archives, indexes. */
  binary: number;
}

/**
 * Searches every text file below a folder. Follows no link; holds neither a file nor the list of files in memory.
 *
 * @param searched Counts on while the findings come.
 */
export async function* searchFolder(
  folder: string,
  scanner: PathScanner,
  searched: Searched,
  signal: AbortSignal,
  limits = LIMITS,
): AsyncGenerator<Finding> {
  const root = treeRoot(folder);
  for await (const entry of walkTree(root, { signal })) {
    if (entry.kind === 'link') yield* searchLink(root, entry, scanner);
    if (entry.kind !== 'file') continue;
    if (searched.files >= limits.files || searched.bytes >= limits.bytes) {
      yield unsearched(entry, `the limit of ${limits.files} files or ${limits.bytes} bytes is reached from here on`);
      return;
    }
    yield* searchFile(root, entry, scanner, searched, signal, limits);
  }
}

async function* searchFile(
  root: Buffer,
  entry: TreeEntry,
  scanner: PathScanner,
  searched: Searched,
  signal: AbortSignal,
  { bytesOfFile }: SearchLimits,
): AsyncGenerator<Finding> {
  const file = await openFile(below(root, entry.path));
  if (typeof file === 'string') {
    if (file !== 'ENOENT') yield unsearched(entry, `cannot be read (${file})`);
    return;
  }
  try {
    const beginning = Buffer.alloc(CHUNK);
    const { bytesRead } = await file.read(beginning, 0, CHUNK, 0);
    if (isBinary(beginning.subarray(0, bytesRead))) {
      searched.binary += 1;
      return;
    }
    const { size } = await file.stat();
    if (size > bytesOfFile) {
      yield unsearched(entry, `${size} bytes`);
      return;
    }
    searched.files += 1;
    searched.bytes += size;
    for await (const { line, column, ...hit } of scanner.search(bytesOf(chunksOf(file, signal)))) {
      yield { ...hit, place: { file: shown(entry.path), line, column } };
    }
  } finally {
    await file.close();
  }
}

/** A link is copied as it is: on another node it may lead to nothing, or to something else. */
async function* searchLink(root: Buffer, entry: TreeEntry, scanner: PathScanner): AsyncGenerator<Finding> {
  const target = shown(await readlink(below(root, entry.path), { encoding: 'buffer' }));
  const place = { file: shown(entry.path), line: 1, column: 1 };
  const [hit] = scanner.searchValue(target).filter(({ kind }) => kind === 'absolute');
  const leads = resolve(root.toString(), shown(entry.path), '..', target);
  const inside = `${leads}/`.startsWith(`${root.toString()}/`);
  if (hit === undefined && inside) return;
  yield { kind: 'link', place, found: target, mend: hit?.mend ?? 'replace the link by what it leads to' };
}

function unsearched({ path }: TreeEntry, why: string): Finding {
  return { kind: 'unsearched', place: { file: shown(path), line: 1, column: 1 }, found: why, mend: LOOK_YOURSELF };
}

/** The code of what is wrong, where it cannot be opened. */
async function openFile(path: Buffer): Promise<FileHandle | string> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

async function* chunksOf(file: FileHandle, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false, highWaterMark: CHUNK })) {
    signal.throwIfAborted();
    yield chunk as Buffer;
  }
}
