import { chmod, chown, lstat, mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { withoutSlash } from '../cluster/names.js';
import { syncDirectory } from '../platform/atomic-file.js';
import { hashTree, missingFrom, namesIn, present, shown, treeRoot } from '../platform/tree.js';
import { copyTree, emptyFolder } from '../platform/tree-copy.js';
import { MARK, readMark, removeMark, writeMark } from './configuration-mark.js';
import type { ConfigurationMark } from './configuration-mark.js';
import { PROOF_PREFIX } from './folder-set.js';

/** What a copy belongs to. */
export interface CopyTarget {
  readonly cluster: string;
  readonly node: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * `ours`: bears this cluster's and node's mark, hence complete. `stale`: ours, but the original has changed since.
 * `unmarked`: passes over a tree have brought all of it there. `foreign`: holds anything else.
 */
export type FolderState = 'absent' | 'empty' | 'ours' | 'stale' | 'unmarked' | 'foreign';

/** In the place of a mark's hash: what passes over a tree have brought there, whose ledger knows more than one hash. */
const BY_PASSES = 'by passes';

/** Whether a folder bears a mark of a copy that passes made. */
export function isByPasses(mark: ConfigurationMark | null): boolean {
  return mark?.hash === BY_PASSES;
}

/**
 * What a shared folder holds that passes over a tree bring there.
 *
 * @param copied - whether all of the original is there.
 */
export async function inspectPasses(folder: string, copied: boolean, target: CopyTarget): Promise<FolderState> {
  const mark = await readMark(folder);
  if (mark !== null && !(isByPasses(mark) && isFrom(mark, target))) return 'foreign';
  if (!copied) return 'stale';
  return mark === null ? 'unmarked' : 'ours';
}

/** Marks what passes over a tree have brought into a shared folder. */
export async function markPasses(folder: string, target: CopyTarget): Promise<void> {
  await writeMark(folder, { cluster: target.cluster, node: target.node, hash: BY_PASSES }, target);
}

/** Takes that mark away again; what is there stays. */
export async function unmarkPasses(folder: string, target: CopyTarget): Promise<void> {
  const mark = await readMark(folder);
  if (mark !== null && isByPasses(mark) && isFrom(mark, target)) await removeMark(folder);
}

/** Rights of a shared folder, as all others on the share have them. */
const MODE = 0o750;

/**
 * What a shared folder holds.
 *
 * @param from The original, as long as the node still uses it; undefined: whose copy it is decides alone.
 */
export async function inspectFolder(
  from: string | undefined,
  folder: string,
  target: CopyTarget,
  signal: AbortSignal,
): Promise<FolderState> {
  const mark = await readMark(folder);
  if (mark !== null) return inspectMarked(from, folder, mark, target, signal);
  const names = await namesIn(treeRoot(folder));
  if (!names.every((name) => shown(name).startsWith(PROOF_PREFIX))) return 'foreign';
  return names.length === 0 && (await isMissing(folder)) ? 'absent' : 'empty';
}

/** Only a copy that nobody has used since may be taken for one that waits for the node. */
async function inspectMarked(
  from: string | undefined,
  folder: string,
  mark: ConfigurationMark,
  target: CopyTarget,
  signal: AbortSignal,
): Promise<FolderState> {
  if (mark.hash === '' || !isFrom(mark, target)) return 'foreign';
  if (from === undefined) return 'ours';
  const options = { signal, exclude: isMark };
  if ((await hashTree(treeRoot(from), options)) === mark.hash) return 'ours';
  return (await hashTree(treeRoot(folder), options)) === mark.hash ? 'stale' : 'foreign';
}

/**
 * Copies a folder beside its place, compares it by hash, marks it, and only then renames it into place: whatever bears
 * the mark is whole, at any moment (procedure, rule 1). Services are stopped meanwhile.
 *
 * @throws RolloutError CONFIG_FOREIGN when the place, or the name beside it, is taken; COPY_DIFFERS when the copy is
 * not what the original is.
 */
export async function copyFolder(from: string, to: string, target: CopyTarget, signal: AbortSignal): Promise<void> {
  const fresh = unfinished(to);
  const [source, copy] = [treeRoot(from), treeRoot(fresh)];
  const mark = { cluster: target.cluster, node: target.node, hash: '' };
  await discardUnfinished(to);
  await mkdir(fresh, { mode: 0o700 });
  await writeMark(fresh, mark, target);
  await copyTree(source, copy, { signal, owner: target, exclude: isMark });
  const hash = await hashTree(source, { signal, exclude: isMark });
  if ((await hashTree(copy, { signal, exclude: isMark })) !== hash) {
    const names = await missingFrom(source, copy, { signal, exclude: isMark });
    throw new RolloutError('COPY_DIFFERS', `the copy of ${from} in ${fresh} differs: ${names.join(', ')}`);
  }
  await writeMark(fresh, { ...mark, hash }, target);
  await chown(fresh, target.uid, target.gid);
  await chmod(fresh, MODE);
  await replaceEmpty(to, fresh);
}

/**
 * Takes away what {@link copyFolder} made, if nobody has changed it since; otherwise it only loses its mark, so that no
 * later rollout takes it for a fresh copy.
 *
 * @returns a sentence when it stays.
 */
export async function takeAway(folder: string, target: CopyTarget, signal: AbortSignal): Promise<readonly string[]> {
  await discardUnfinished(folder);
  const mark = await readMark(folder);
  if (mark === null || !isFrom(mark, target)) return [];
  if ((await hashTree(treeRoot(folder), { signal, exclude: isMark })) !== mark.hash) {
    await removeMark(folder);
    return [`${folder} stays: it was used or changed since it was copied there`];
  }
  // Under the name of an unfinished copy it is recognised and removed even if this is cut short.
  await rename(withoutSlash(folder), unfinished(folder));
  await discardUnfinished(folder);
  return [];
}

/** @throws RolloutError CONFIG_FOREIGN when what is there is no unfinished copy of ours. */
async function discardUnfinished(folder: string): Promise<void> {
  const fresh = unfinished(folder);
  if (await isMissing(fresh)) return;
  const empty = (await namesIn(treeRoot(fresh))).length === 0;
  if (!empty && (await readMark(fresh)) === null) throw foreign(fresh);
  // The mark goes last, or the rest could not be told from somebody else's.
  await emptyFolder(treeRoot(fresh), isMark);
  await rm(fresh, { recursive: true });
  await syncDirectory(dirname(fresh));
}

/** Puts a folder in the place of one that holds nothing. */
async function replaceEmpty(to: string, fresh: string): Promise<void> {
  const place = withoutSlash(to);
  for (const name of await namesIn(treeRoot(place))) {
    if (shown(name).startsWith(PROOF_PREFIX)) await rm(join(place, shown(name)), { force: true });
  }
  await rmdir(place).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') throw foreign(place);
    if (code !== 'ENOENT') throw error;
  });
  await rename(fresh, place);
  await syncDirectory(dirname(place));
}

export function foreign(folder: string): RolloutError {
  return new RolloutError('CONFIG_FOREIGN', `${folder} holds files that no rollout of this cluster put there`);
}

export function isFrom(mark: ConfigurationMark, { cluster, node }: CopyTarget): boolean {
  return mark.cluster === cluster && mark.node === node;
}

export function isMark(path: Buffer): boolean {
  return path.equals(Buffer.from(MARK));
}

async function isMissing(folder: string): Promise<boolean> {
  return (await present(lstat(withoutSlash(folder)))) === null;
}

function unfinished(folder: string): string {
  return `${withoutSlash(folder)}.new`;
}
