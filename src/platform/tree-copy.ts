import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { lchown, lstat, lutimes, mkdir, open, readlink, rename, rm, symlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { below, kindOf, namesIn, present, sameEntry, shown } from './tree.js';
import type { TreeEntry, TreeSize, WalkOptions } from './tree.js';

export interface CopyOptions extends WalkOptions {
  /** Whom the copies belong to; without it, whom the originals belong to. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Begins the names of unfinished copies: matches no pattern of a mail server, and tells a sweep what is ours. */
const UNFINISHED = Buffer.from('.icewarp-rollout-copy-');
const CHUNK = 256 * 1024;

/** Whether a path is that of a copy which was cut short: the next copy to the same place removes it. */
export function isUnfinished(path: Buffer): boolean {
  return path.subarray(path.lastIndexOf('/') + 1, path.lastIndexOf('/') + 1 + UNFINISHED.length).equals(UNFINISHED);
}

/**
 * Copies a tree into an existing folder: contents, links, times, modes, owners, each file whole or not at all, all of
 * it on disk when this returns. Interrupted anywhere, it goes on with what is missing when it is called again. Other
 * things at the destination stay.
 *
 * @returns files and bytes of the source.
 * @throws RolloutError CHANGED_MEANWHILE, before it is touched, when the destination holds something else by the same
 * name, or when a file of the source changes while it is read.
 */
export async function copyTree(source: Buffer, target: Buffer, options: CopyOptions): Promise<TreeSize> {
  const total = { files: 0, bytes: 0 };
  await copyFolder(source, target, Buffer.alloc(0), options, total);
  return total;
}

async function copyFolder(
  source: Buffer,
  target: Buffer,
  path: Buffer,
  options: CopyOptions,
  total: { files: number; bytes: number },
): Promise<void> {
  await sweep(below(target, path));
  const entries = await entriesIn(source, path, options);
  const missing = new Set<TreeEntry>();
  for (const entry of entries) {
    options.signal.throwIfAborted();
    const there = await present(lstat(below(target, entry.path), { bigint: true }));
    if (there === null) missing.add(entry);
    else if (!(await sameEntry(source, target, entry, options.signal))) throw occupied(target, entry);
  }
  for (const entry of missing) if (entry.kind !== 'folder') await copyEntry(source, target, entry, options);
  for (const entry of entries) {
    if (entry.kind === 'file') {
      total.files += 1;
      total.bytes += Number(entry.stats.size);
    }
    if (entry.kind !== 'folder') continue;
    if (missing.has(entry)) await mkdir(below(target, entry.path), { mode: 0o700 });
    await copyFolder(source, target, entry.path, options, total);
    await finishFolder(below(target, entry.path), entry.stats, options);
  }
  await syncFolder(below(target, path));
}

/** What is directly in one folder and can be copied. */
async function entriesIn(source: Buffer, path: Buffer, options: CopyOptions): Promise<readonly TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for (const name of await namesIn(below(source, path))) {
    const from = path.length === 0 ? name : below(path, name);
    if (options.exclude?.(from) === true) continue;
    const stats = await present(lstat(below(source, from), { bigint: true }));
    if (stats === null || kindOf(stats) === 'other') continue;
    entries.push({ path: from, kind: kindOf(stats), stats });
  }
  return entries;
}

async function copyEntry(source: Buffer, target: Buffer, entry: TreeEntry, options: CopyOptions): Promise<void> {
  options.signal.throwIfAborted();
  const to = below(target, entry.path);
  const temporary = below(folderOf(to), Buffer.concat([UNFINISHED, Buffer.from(randomBytes(8).toString('hex'))]));
  try {
    if (entry.kind === 'file') await copyFile(below(source, entry.path), temporary, entry.stats, options);
    else await copyLink(below(source, entry.path), temporary, entry.stats, options);
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function copyFile(from: Buffer, to: Buffer, stats: BigIntStats, options: CopyOptions): Promise<void> {
  const input = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const output = await open(to, 'wx', 0o600);
    try {
      await pump(input, output, options.signal);
      const after = await input.stat({ bigint: true });
      if (after.size !== stats.size || after.mtimeNs !== stats.mtimeNs) throw changed(from);
      await attribute(output, stats, options);
      await output.sync();
    } finally {
      await output.close();
    }
  } finally {
    await input.close();
  }
}

async function pump(input: FileHandle, output: FileHandle, signal: AbortSignal): Promise<void> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await input.read(buffer, 0, CHUNK);
    if (bytesRead === 0) return;
    for (let written = 0; written < bytesRead;) {
      written += (await output.write(buffer, written, bytesRead - written)).bytesWritten;
    }
  }
}

async function copyLink(from: Buffer, to: Buffer, stats: BigIntStats, options: CopyOptions): Promise<void> {
  await symlink(await readlink(from, { encoding: 'buffer' }), to);
  const { uid, gid } = ownerOf(stats, options);
  await lchown(to, uid, gid).catch(tolerated);
  await lutimes(to, seconds(stats.atimeNs), seconds(stats.mtimeNs)).catch(tolerated);
}

/** Gives a folder its attributes when everything is in it, since every entry moves its time. */
async function finishFolder(path: Buffer, stats: BigIntStats, options: CopyOptions): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await attribute(folder, stats, options);
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function attribute(file: FileHandle, stats: BigIntStats, options: CopyOptions): Promise<void> {
  const { uid, gid } = ownerOf(stats, options);
  await file.chown(uid, gid).catch(tolerated);
  await file.chmod(Number(stats.mode & 0o777n)).catch(tolerated);
  await file.utimes(seconds(stats.atimeNs), seconds(stats.mtimeNs));
}

/**
 * A share mounted for one user refuses other owners and modes; whether its users can use it is proven before, by
 * writing as that user.
 */
function tolerated(error: unknown): void {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error;
}

function ownerOf(stats: BigIntStats, { owner }: CopyOptions): { readonly uid: number; readonly gid: number } {
  return owner ?? { uid: Number(stats.uid), gid: Number(stats.gid) };
}

/** Removes what an interrupted copy left. */
async function sweep(folder: Buffer): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (isUnfinished(name)) await rm(below(folder, name), { force: true });
  }
}

async function syncFolder(path: Buffer): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function folderOf(path: Buffer): Buffer {
  return path.subarray(0, path.lastIndexOf('/'));
}

function seconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e9;
}

function occupied(target: Buffer, { path }: TreeEntry): RolloutError {
  return new RolloutError('CHANGED_MEANWHILE', `${shown(below(target, path))} is there already and is something else`);
}

function changed(path: Buffer): RolloutError {
  return new RolloutError('CHANGED_MEANWHILE', `${shown(path)} changed while it was copied`);
}

/** Empties a folder but for the names given; the folder itself stays. */
export async function emptyFolder(folder: Buffer, keep: (name: Buffer) => boolean = () => false): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (!keep(name)) await rm(below(folder, name), { recursive: true, force: true });
  }
  await syncFolder(folder);
}
