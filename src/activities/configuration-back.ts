import { chmod, lchown, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { withoutSlash } from '../cluster/names.js';
import { syncDirectory } from '../platform/atomic-file.js';
import { below, hashTree, missingFrom, namesIn, present, shown, treeRoot, walkTree } from '../platform/tree.js';
import { copyTree } from '../platform/tree-copy.js';
import { foreign, isFrom, isMark, type CopyTarget } from './configuration-copy.js';
import { readMark } from './configuration-mark.js';

/** What a folder of this node is called while it is being made, and once another one has taken its place. */
const BESIDE = '.icewarp-rollout-new';
const REPLACED = '.icewarp-rollout-replaced';
/** What the share's folder is called once it has been brought back. */
const USED = '.icewarp-rollout-used';

/**
 * Brings back what users and administrators have changed in a shared folder since it was copied from this node, with
 * deletions and renames (procedure, rule 16): a whole copy takes the place of the node's own folder, which stays beside
 * it; then the shared one gets another name, so that a new move finds its place free. Neither is ever deleted. The
 * services are stopped, and IceWarp is asked nothing: on a folder that is away for a moment it would write defaults. May
 * be killed anywhere and run again.
 *
 * @returns what stays, and where.
 * @throws RolloutError CONFIG_FOREIGN when the shared folder is none that was copied from this node; COPY_DIFFERS.
 */
export async function bringBack(
  shared: string,
  local: string,
  target: CopyTarget,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const [there, here] = [withoutSlash(shared), withoutSlash(local)];
  if ((await namesIn(treeRoot(there))).length > 0) {
    const mark = await readMark(there);
    if (mark === null || !isFrom(mark, target)) throw foreign(there);
    await replace(here, there, signal);
    await rename(there, await freeName(`${there}${USED}`));
    await syncDirectory(dirname(there));
  }
  return [...(await keptAs(here, REPLACED)), ...(await keptAs(there, USED))];
}

/** Puts a copy of a shared folder in the place of this node's own one. */
async function replace(here: string, there: string, signal: AbortSignal): Promise<void> {
  const fresh = `${here}${BESIDE}`;
  const hash = await hashOf(there, signal);
  if ((await hashOf(here, signal)) !== hash) {
    if ((await hashOf(fresh, signal)) !== hash) await copyBeside(there, fresh, signal);
    if (await isThere(here)) {
      await takeAfter(treeRoot(fresh), treeRoot(here), signal);
      await rename(here, await freeName(`${here}${REPLACED}`));
    }
    await rename(fresh, here);
    await syncDirectory(dirname(here));
  }
  await rm(fresh, { recursive: true, force: true });
}

async function copyBeside(from: string, fresh: string, signal: AbortSignal): Promise<void> {
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  const [source, copy] = [treeRoot(from), treeRoot(fresh)];
  await copyTree(source, copy, { signal, exclude: isMark });
  if ((await hashOf(fresh, signal)) !== (await hashOf(from, signal))) {
    const names = await missingFrom(source, copy, { signal, exclude: isMark });
    throw new RolloutError('COPY_DIFFERS', `the copy of ${from} in ${fresh} differs: ${names.join(', ')}`);
  }
}

/** Owner and rights as the former folder had them, of new files as it has them itself: the share need not keep them. */
async function takeAfter(copy: Buffer, like: Buffer, signal: AbortSignal): Promise<void> {
  const root = await lstat(like);
  for await (const { path, kind } of walkTree(copy, { signal })) {
    const former = await present(lstat(below(like, path)));
    const { uid, gid } = former ?? root;
    await lchown(below(copy, path), uid, gid);
    if (kind === 'link') continue;
    const rights = former?.mode ?? (kind === 'folder' ? root.mode : root.mode & 0o666);
    await chmod(below(copy, path), rights & 0o7777);
  }
  await lchown(copy, root.uid, root.gid);
  await chmod(copy, root.mode & 0o7777);
}

/** What lies beside a folder under names that its former states have been given. */
async function keptAs(folder: string, suffix: string): Promise<readonly string[]> {
  const names = await namesIn(treeRoot(dirname(folder)));
  const found = names.map(shown).filter((name) => name.startsWith(`${basename(folder)}${suffix}-`));
  return found.map((name) => `${join(dirname(folder), name)} stays: it is what ${folder} was`);
}

async function freeName(path: string): Promise<string> {
  for (let number = 1; ; number += 1) if (!(await isThere(`${path}-${number}`))) return `${path}-${number}`;
}

async function hashOf(folder: string, signal: AbortSignal): Promise<string> {
  return hashTree(treeRoot(folder), { signal, exclude: isMark });
}

async function isThere(path: string): Promise<boolean> {
  return (await present(lstat(path))) !== null;
}
