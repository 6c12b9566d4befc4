import type { BigIntStats } from 'node:fs';
import { lstat } from 'node:fs/promises';

import { below, kindOf, namesIn, present, sameEntry, shown, sizeOfTree, type TreeEntry } from '../platform/tree.js';
import { inFlight } from '../transfer/in-flight.js';

/** How two trees are compared. */
export interface Comparison {
  readonly signal: AbortSignal;
  readonly exclude: (path: Buffer) => boolean;
  /** Files that are compared by content whatever their times say. */
  readonly always: (path: Buffer) => boolean;
  /** Milliseconds since 1970: what changed since is compared by content. */
  readonly since: number;
}

/** How two trees differ. */
export interface TreeDifference {
  /** What is in the first one and not, or not so, in the second: the first of them. */
  readonly different: readonly Buffer[];
  /** Files that only the second one has, and the first of them. */
  readonly more: { readonly files: number; readonly example: string };
}

/** Differences that are told; looks at a share at a time. */
const MOST = 100;
const WIDTH = 32;
/** Nanoseconds: what a share that keeps times coarsely may change of them. */
const COARSE = 2_000_000_000n;
const MILLION = 1_000_000n;

/** Milliseconds by which the clocks of a node and of a share may differ, many times over. */
export const CLOCKS = 60_000;

/** Whether two times of a file are the same one, as far as a share may keep it. Nanoseconds. */
export function sameTime(one: bigint, other: bigint): boolean {
  const distance = one - other;
  return (distance < 0n ? -distance : distance) <= COARSE;
}

/** Tells what has changed since a moment, in milliseconds since 1970. */
export function changedSince(moment: number): (stats: Pick<BigIntStats, 'ctimeNs' | 'mtimeNs'>) => boolean {
  const since = BigInt(Math.floor(moment)) * MILLION;
  return ({ ctimeNs, mtimeNs }) => ctimeNs >= since || mtimeNs >= since;
}

/**
 * Compares two trees without the ledger and the engine that made them equal: names, kinds and sizes of all, contents of
 * what has changed since.
 */
export async function compareTrees(first: Buffer, second: Buffer, how: Comparison): Promise<TreeDifference> {
  const different: Buffer[] = [];
  let more = { files: 0, example: '' };
  const isRecent = changedSince(how.since);
  const folders: Buffer[] = [Buffer.alloc(0)];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const here = await pathsIn(first, folder, how);
    const known = new Set(here.map((path) => path.toString('latin1')));
    for (const path of await pathsIn(second, folder, how)) {
      if (known.has(path.toString('latin1'))) continue;
      const files = await filesAt(second, path, how);
      more = { files: more.files + files, example: more.example === '' && files > 0 ? shown(path) : more.example };
    }
    await inFlight(here, WIDTH, async (path) => {
      how.signal.throwIfAborted();
      const stats = await present(lstat(below(first, path), { bigint: true }));
      // sockets and pipes hold nothing, and no pass carries them
      if (stats === null || kindOf(stats) === 'other') return;
      const entry: TreeEntry = { path, kind: kindOf(stats), stats };
      const content = isRecent(stats) || how.always(path);
      if (!(await isEqual(first, second, entry, content, how.signal))) different.push(path);
      else if (entry.kind === 'folder') folders.push(path);
    });
    if (different.length >= MOST) break;
  }
  return { different: different.slice(0, MOST), more };
}

async function isEqual(
  first: Buffer,
  second: Buffer,
  entry: TreeEntry,
  content: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  if (entry.kind === 'file' && !content) {
    const there = await present(lstat(below(second, entry.path), { bigint: true }));
    if (there === null || !there.isFile() || there.size !== entry.stats.size) return false;
    if (sameTime(there.mtimeNs, entry.stats.mtimeNs)) return true;
  }
  return sameEntry(first, second, entry, signal);
}

async function pathsIn(root: Buffer, folder: Buffer, { exclude }: Comparison): Promise<readonly Buffer[]> {
  const names = await namesIn(below(root, folder));
  return names.map((name) => (folder.length === 0 ? name : below(folder, name))).filter((path) => !exclude(path));
}

async function filesAt(root: Buffer, path: Buffer, { signal, exclude }: Comparison): Promise<number> {
  const stats = await present(lstat(below(root, path), { bigint: true }));
  if (stats?.isDirectory() !== true) return stats === null ? 0 : 1;
  const { files } = await sizeOfTree(below(root, path), { signal, exclude: (inner) => exclude(below(path, inner)) });
  return files;
}
