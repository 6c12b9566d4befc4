import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';

/** Folders are told apart down to here: a mailbox, in a tree of domains. What lies deeper counts with its mailbox. */
const DEPTH = 2;
/** Folders that are read at once. */
const LANES = 8;
/** Fewer files than this are not worth a shard of their own. */
const LEAST = 10_000;

/** A folder of a tree and how many entries are in it and, below `DEPTH`, everywhere under it. */
export interface Folder {
  /** Path below the root, bytes as latin1; empty for the root. */
  readonly path: string;
  entries: number;
  readonly folders: Folder[];
}

export interface CutOptions {
  /** Most shards. */
  readonly most: number;
  /** Fewer entries than this are not worth a shard of their own; default 10,000. */
  readonly least?: number;
  /** Paths that are left out, with everything below them. */
  readonly exclude?: (path: string) => boolean;
  readonly signal?: AbortSignal;
  /** Told how many entries have been met so far. */
  readonly onProgress?: (entries: number) => void;
}

export interface Cut {
  /** Subtrees in the order of their names; no two of them overlap. Empty when the tree is not worth cutting. */
  readonly shards: readonly (readonly string[])[];
  /** Entries of the whole tree. */
  readonly entries: number;
}

/**
 * Cuts a tree into shards of about the same number of entries, by names alone: nothing but folders is read.
 *
 * Entries that lie directly in a folder which has been divided, and whatever comes later, are in no shard. A pass over
 * the whole tree has to follow; it finds nearly everything copied.
 *
 * @throws RolloutError SOURCE_MISSING. The signal's reason.
 */
export async function cutTree(root: string, options: CutOptions): Promise<Cut> {
  const tree = await countTree(root, options);
  return { shards: divide(tree, options.most, options.least), entries: entriesOf(tree) };
}

/** Counts the entries of a tree. A folder that cannot be read counts as empty: the copy will say so. */
async function countTree(root: string, { exclude, signal, onProgress }: CutOptions): Promise<Folder> {
  const base = Buffer.from(root, 'utf8').toString('latin1');
  const tree: Folder = { path: '', entries: 0, folders: [] };
  const open: { readonly path: string; readonly depth: number; readonly counts: Folder }[] = [];
  let met = 0;
  const read = async ({ path, depth, counts }: (typeof open)[number]): Promise<void> => {
    signal?.throwIfAborted();
    const entries = path === '' ? await entriesOfRoot(root) : await entriesIn(`${base}/${path}`);
    for (const entry of entries) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (exclude?.(below) === true) continue;
      counts.entries += 1;
      met += 1;
      if (!entry.isDirectory()) continue;
      const folder = depth < DEPTH ? { path: below, entries: 0, folders: [] } : counts;
      if (folder !== counts) counts.folders.push(folder);
      open.push({ path: below, depth: depth + 1, counts: folder });
    }
    onProgress?.(met);
  };
  await read({ path: '', depth: 0, counts: tree });
  // the last one first: depth first keeps the list of open folders short
  for (let next = open.splice(-LANES); next.length > 0; next = open.splice(-LANES)) await Promise.all(next.map(read));
  return tree;
}

async function entriesOfRoot(root: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(root, { encoding: 'latin1', withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw new RolloutError('SOURCE_MISSING', `there is no folder ${root}`, { cause: error });
  }
}

async function entriesIn(path: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(Buffer.from(path, 'latin1'), { encoding: 'latin1', withFileTypes: true });
  } catch {
    return [];
  }
}

function entriesOf({ entries, folders }: Folder): number {
  return folders.reduce((sum, folder) => sum + entriesOf(folder), entries);
}

/**
 * Divides folders that are too large into the folders below them, and puts neighbours together that are small. Two
 * neighbouring shards hold more than one's size together, so there are never more than `most`.
 */
export function divide(tree: Folder, most: number, least: number = LEAST): string[][] {
  const sizes = new Map<Folder, number>();
  const weigh = (folder: Folder): number => {
    const size = folder.folders.reduce((sum, below) => sum + weigh(below), folder.entries);
    // even an empty folder has to be visited
    sizes.set(folder, size + 1);
    return size + 1;
  };
  const size = Math.max(least, Math.ceil((2 * weigh(tree)) / Math.max(1, most - 1)));
  const sizeOf = (folder: Folder): number => sizes.get(folder) ?? 0;
  const pieces = (folder: Folder): Folder[] =>
    sizeOf(folder) > size && folder.folders.length > 0 ? inOrder(folder.folders).flatMap(pieces) : [folder];
  const all = inOrder(tree.folders).flatMap(pieces);
  const shards: string[][] = [];
  let room = 0;
  for (const folder of all) {
    const shard = shards.at(-1);
    if (shard === undefined || sizeOf(folder) > room) {
      shards.push([folder.path]);
      room = size - sizeOf(folder);
    } else {
      shard.push(folder.path);
      room -= sizeOf(folder);
    }
  }
  // the whole tree at once needs no shards
  return shards.length > 1 ? shards : [];
}

function inOrder(folders: readonly Folder[]): Folder[] {
  return folders.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}
