import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readlink, rename, rm, symlink } from 'node:fs/promises';

import { QUARANTINE, type MailTree } from '../icewarp/mail-tree.js';
import { below, kindOf, namesIn, present, sameEntry, sizeOfTree, treeRoot, walkTree } from '../platform/tree.js';
import type { TreeEntry } from '../platform/tree.js';
import { futimes } from '../transfer/io.js';
import { runSync } from '../transfer/io-sync.js';
import { matcher } from './node-tree.js';
import { changedSince, CLOCKS, sameTime } from './tree-equal.js';

const { O_RDONLY, O_NOFOLLOW } = constants;

/**
 * Makes a copy that no user has worked with what the final pass had left, from the old tree, which nobody has written to
 * since: services that ran closed on the share, and the probes, have written there, and a next pass would take that for
 * somebody else's work and leave it. As long as one walk of the share. May be killed anywhere and run again.
 *
 * @param ended when the final pass had ended, in milliseconds since 1970, of this node.
 * @returns what is kept, and where: what only the share had is set aside beside the copy, because it may be a message.
 */
export async function asFinalPassLeft(tree: MailTree, ended: number, signal: AbortSignal): Promise<readonly string[]> {
  const [from, to] = [treeRoot(tree.source), treeRoot(tree.destination)];
  const { owner } = tree;
  const exclude = matcher(tree.exclude);
  const isRecent = changedSince(ended - CLOCKS);
  const aside = treeRoot(`${tree.destination}${QUARANTINE}`);
  await namesAsLeft(Buffer.alloc(0));
  for await (const entry of walkTree(to, { signal, exclude })) {
    const { path, kind, stats } = entry;
    if (!isRecent(stats)) continue;
    if (kind === 'folder') await namesAsLeft(path);
    else if (!(await isAsLeft(from, to, entry, signal))) await copyBack(path);
  }
  const { files } = await sizeOfTree(aside, { signal });
  return files === 0
    ? []
    : [`${aside.toString()} keeps ${files} files that the services wrote to ${tree.destination} before users had it`];

  /** Names that came to a folder are set aside, and names that went are there again. */
  async function namesAsLeft(folder: Buffer): Promise<void> {
    const inside = (name: Buffer): Buffer => (folder.length === 0 ? name : below(folder, name));
    const pathsOf = async (root: Buffer): Promise<Buffer[]> =>
      (await namesIn(below(root, folder))).map(inside).filter((path) => !exclude(path));
    const [there, here] = [await pathsOf(to), await pathsOf(from)];
    const has = (paths: readonly Buffer[]): ReadonlySet<string> =>
      new Set(paths.map((path) => path.toString('latin1')));
    const [onShare, inOld] = [has(there), has(here)];
    for (const path of there) if (!inOld.has(path.toString('latin1'))) await setAside(path);
    for (const path of here) if (!onShare.has(path.toString('latin1'))) await copyBack(path);
  }

  async function setAside(path: Buffer): Promise<void> {
    const place = below(aside, path);
    await mkdir(place.subarray(0, place.lastIndexOf('/')), { recursive: true, mode: 0o700 });
    // what an earlier try had set aside by that name came before, and is no more than this
    await rm(place, { recursive: true, force: true });
    await rename(below(to, path), place);
  }

  async function copyBack(path: Buffer): Promise<void> {
    signal.throwIfAborted();
    const [original, copy] = [below(from, path), below(to, path)];
    const stats = await present(lstat(original, { bigint: true }));
    const kind = stats === null ? 'other' : kindOf(stats);
    if (stats === null || kind === 'other') return;
    const there = await present(lstat(copy, { bigint: true }));
    // a file is written over where it is: a kill in between leaves a difference, which the next try finds
    if (there !== null && (kind !== 'file' || kindOf(there) !== 'file')) await rm(copy, { recursive: true });
    if (kind === 'link') {
      await symlink(await readlink(original, { encoding: 'buffer' }), copy);
      return;
    }
    if (kind === 'folder') await mkdir(copy);
    else await copyFile(original, copy);
    const file = await open(copy, O_RDONLY | O_NOFOLLOW);
    try {
      await file.chmod(Number(stats.mode) & 0o7777);
      const { uid, gid } = await file.stat();
      // a share whose files belong to whom the mount says takes no other owner, and needs none
      if (owner !== undefined && (uid !== owner.uid || gid !== owner.gid)) await file.chown(owner.uid, owner.gid);
      if (kind === 'folder') {
        for (const name of await namesIn(original)) await copyBack(below(path, name));
      } else runSync(futimes(file.fd, { atime: stats.atimeNs, mtime: stats.mtimeNs }));
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** Whether a file or link of the share is what the old tree has; times count, because the ledger goes by them. */
async function isAsLeft(from: Buffer, to: Buffer, entry: TreeEntry, signal: AbortSignal): Promise<boolean> {
  const original = await present(lstat(below(from, entry.path), { bigint: true }));
  if (original === null || entry.kind === 'other') return true;
  if (entry.kind === 'file' && !sameTime(original.mtimeNs, entry.stats.mtimeNs)) return false;
  return sameEntry(to, from, entry, signal);
}
