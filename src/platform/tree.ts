import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';

/** One thing below a tree's root. Names are bytes: a mailbox written by an old server need not be UTF-8. */
export interface TreeEntry {
  /** From the root, without a leading slash. */
  readonly path: Buffer;
  /** `other`: sockets, pipes and devices, which hold no data of their own. */
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly stats: BigIntStats;
}

export interface WalkOptions {
  readonly signal: AbortSignal;
  /** Leaves out an entry, and everything below it. */
  readonly exclude?: (path: Buffer) => boolean;
}

/** How much a tree holds. */
export interface TreeSize {
  readonly files: number;
  readonly bytes: number;
}

const SLASH = Buffer.from('/');

/** A path below a root, in bytes. */
export function below(root: Buffer, path: Buffer): Buffer {
  return path.length === 0 ? root : Buffer.concat([root, SLASH, path]);
}

/** The root of a tree as bytes, without trailing slashes. */
export function treeRoot(path: string): Buffer {
  return Buffer.from(path.replace(/\/+$/, '') || '/');
}

/** A name for people: bytes that are no text show as the replacement character, controls as "?". */
export function shown(path: Buffer): string {
  return path.toString('utf8').replace(/\p{Cc}/gu, '?');
}

/**
 * Everything below a root, each folder before what is in it, names in the order of their bytes. Holds the names of one
 * branch at a time. What vanishes while walking is left out; a missing root is an empty tree.
 */
export async function* walkTree(
  root: Buffer,
  options: WalkOptions,
  from: Buffer = Buffer.alloc(0),
): AsyncGenerator<TreeEntry> {
  for (const name of await namesIn(below(root, from))) {
    options.signal.throwIfAborted();
    const path = from.length === 0 ? name : below(from, name);
    if (options.exclude?.(path) === true) continue;
    const stats = await present(lstat(below(root, path), { bigint: true }));
    if (stats === null) continue;
    const kind = kindOf(stats);
    yield { path, kind, stats };
    if (kind === 'folder') yield* walkTree(root, options, path);
  }
}

/** Counts the files of a tree and their bytes. */
export async function sizeOfTree(root: Buffer, options: WalkOptions): Promise<TreeSize> {
  let [files, bytes] = [0, 0];
  for await (const { kind, stats } of walkTree(root, options)) {
    if (kind !== 'file') continue;
    files += 1;
    bytes += Number(stats.size);
  }
  return { files, bytes };
}

/** A tree's names and contents as one sha256: equal trees, equal hash. Owners, modes and times do not count. */
export async function hashTree(root: Buffer, options: WalkOptions): Promise<string> {
  const hash = createHash('sha256');
  for await (const entry of walkTree(root, options)) {
    if (entry.kind === 'other') continue;
    const content = await contentHash(root, entry, options.signal);
    // Names hold neither NUL nor, as hex, anything ambiguous.
    hash.update(entry.path).update(`\0${entry.kind}\0${content}\n`);
  }
  return hash.digest('hex');
}

/**
 * The first differences between two trees by names and contents, in words; empty when the second holds everything
 * that the first does. What only the second holds does not count.
 */
export async function missingFrom(
  source: Buffer,
  copy: Buffer,
  options: WalkOptions,
  limit = 5,
): Promise<readonly string[]> {
  const differences: string[] = [];
  for await (const entry of walkTree(source, options)) {
    if (entry.kind === 'other' || (await sameEntry(source, copy, entry, options.signal))) continue;
    differences.push(shown(entry.path));
    if (differences.length === limit) break;
  }
  return differences;
}

/** Whether the same thing with the same content is at the same place below another root. */
export async function sameEntry(root: Buffer, other: Buffer, entry: TreeEntry, signal: AbortSignal): Promise<boolean> {
  const stats = await present(lstat(below(other, entry.path), { bigint: true }));
  if (stats === null || kindOf(stats) !== entry.kind) return false;
  if (entry.kind === 'folder') return true;
  if (entry.kind === 'file' && stats.size !== entry.stats.size) return false;
  const there = { ...entry, stats };
  return (await contentHash(root, entry, signal)) === (await contentHash(other, there, signal));
}

/** sha256 of one file's content, read without following a link. */
export async function hashFile(path: Buffer, signal: AbortSignal): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const hash = createHash('sha256');
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 })) {
      signal.throwIfAborted();
      hash.update(chunk as Buffer);
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

async function contentHash(root: Buffer, { kind, path }: TreeEntry, signal: AbortSignal): Promise<string> {
  if (kind === 'file') return hashFile(below(root, path), signal);
  if (kind === 'link') return (await readlink(below(root, path), { encoding: 'buffer' })).toString('hex');
  return '';
}

/** The names in a folder, sorted by their bytes; none where there is no folder. */
export async function namesIn(folder: Buffer): Promise<readonly Buffer[]> {
  const names = await present(readdir(folder, { encoding: 'buffer' }));
  return (names ?? []).sort((a, b) => Buffer.compare(a, b));
}

export function kindOf(stats: BigIntStats): TreeEntry['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

/** The answer, or null where there is nothing at the path. */
export async function present<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
