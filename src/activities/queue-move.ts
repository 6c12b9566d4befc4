import { rename, rm, rmdir } from 'node:fs/promises';
import { dirname, relative } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { withoutSlash } from '../cluster/names.js';
import { MOVED_QUEUE } from '../icewarp/mail-tree.js';
import { syncDirectory } from '../platform/atomic-file.js';
import { ensureFolder, folderAt, type FolderFacts } from '../platform/folders.js';
import { copyTree, isUnfinished } from '../platform/tree-copy.js';
import { below, missingFrom, sameEntry, shown, sizeOfTree, treeRoot, walkTree } from '../platform/tree.js';
import type { TreeEntry } from '../platform/tree.js';
import { OWN_MODE, type Owner } from './folder-set.js';
import type { Queues } from './queues.js';
import type { Context } from './resource.js';
import { stateFile, type StateFile } from './state-file.js';

/** The durable note of a node's queues that have moved. */
interface MovedNote {
  /** Folder that was in force → the names that it got when its messages had moved, oldest first. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** All has been taken back: a renamed folder holds only what was sent, or waits in the old place again. */
  readonly back?: true;
}

/** One folder of messages on its way. */
interface Way {
  readonly from: string;
  readonly to: string;
}

/**
 * Moves what waits in the queues while no service runs: copied and durable, compared, then the old folder renamed in one
 * step. Killed anywhere, it goes on when it is called again, also when services have run meanwhile (procedure, rule 3).
 *
 * @throws RolloutError QUEUE_FOREIGN when a new place holds messages that do not wait in the old one (any more): they
 * would be sent, perhaps for the second time; CHANGED_MEANWHILE when a copy is not what it was made from.
 */
export async function moveQueues(from: Queues, to: Queues, owner: Owner, context: Context): Promise<void> {
  await moveAll(waysBetween(from, to), owner, context);
}

/**
 * The way back of {@link moveQueues}, with the services stopped: what waits now waits in the old folders again.
 *
 * @param way `switched`: the new folders have been in force; otherwise all that is in them are copies of ours.
 * @param settle Puts the old folders in force.
 * @returns what stays: renamed folders, which hold the messages as they were when they moved.
 * @throws RolloutError as {@link moveQueues}.
 */
export async function takeQueuesBack(
  { from, to, switched }: { readonly from: Queues; readonly to: Queues; readonly switched: boolean },
  context: Context,
  settle: () => Promise<void>,
): Promise<readonly string[]> {
  const { agent, signal } = context;
  const note = noteOf(agent);
  const ways = waysBetween(from, to);
  // what was taken back may have been sent meanwhile: it is never taken back again
  if ((await note.read())?.back !== true) {
    if (switched) await moveAll(waysBetween(to, from), undefined, context);
    else for (const way of ways) await giveUp(way, await asideOf(way.from, note), signal);
    await note.write({ names: (await note.read())?.names ?? {}, back: true });
  }
  await settle();
  const kept: string[] = [];
  for (const way of ways) {
    // what has moved back is where it was before, or was sent from there
    for (const folder of await asideOf(way.to, note)) await rm(folder, { recursive: true, force: true });
    for (const folder of await asideOf(way.from, note)) {
      const messages = await messagesIn(folder, signal);
      if (messages > 0) kept.push(`${folder} keeps ${messages} messages as they were when they moved`);
    }
  }
  await note.remove();
  return kept;
}

async function moveAll(ways: readonly Way[], owner: Owner | undefined, { agent, signal }: Context): Promise<void> {
  const note = noteOf(agent);
  for (const way of ways) {
    const aside = await asideOf(way.from, note);
    await refuseForeign(way, ways, aside, signal);
    if ((await messagesIn(way.from, signal)) === 0) continue;
    await ensureFolder(way.to, await factsFor(way, owner, note));
    await copyEqual(way.from, way.to, owner, signal);
    await settleFolders(way.to, owner, await asideOf(way.to, note), signal);
    const name = await freeName(way.from);
    const { names = {}, ...rest } = (await note.read()) ?? {};
    await note.write({ ...rest, names: { ...names, [way.from]: [...aside, name] } });
    await rename(way.from, name);
    await syncDirectory(dirname(way.from));
  }
}

/** Which folders move: one that lies in the same place of another goes with it. The innermost first. */
function waysBetween(from: Queues, to: Queues): readonly Way[] {
  const [outgoing, retry, incoming] = (['outgoing', 'retry', 'incoming'] as const).map((role) => ({
    from: withoutSlash(from[role]),
    to: withoutSlash(to[role]),
  })) as [Way, Way, Way];
  const together = relative(outgoing.from, retry.from) === relative(outgoing.to, retry.to);
  const ways = together ? [outgoing, incoming] : [retry, outgoing, incoming];
  return ways.filter((way) => way.from !== '' && way.from !== way.to);
}

/** The new folders never were in force: our copies in them go, and what was renamed waits in the old place again. */
async function giveUp({ from, to }: Way, aside: readonly string[], signal: AbortSignal): Promise<void> {
  await removeCopies(to, [from, ...aside], signal);
  for (const name of aside) {
    if ((await folderAt(name)) === null) continue;
    if ((await folderAt(from)) === null) await rename(name, from);
    else {
      // services ran meanwhile and made it anew
      await copyEqual(name, from, undefined, signal);
      await rm(name, { recursive: true });
    }
    await syncDirectory(dirname(from));
  }
}

/** Copies what is missing, durably, and compares. @throws RolloutError CHANGED_MEANWHILE. */
async function copyEqual(from: string, to: string, owner: Owner | undefined, signal: AbortSignal): Promise<void> {
  const [source, target] = [treeRoot(from), treeRoot(to)];
  const exclude = (path: Buffer): boolean => path.includes(MOVED_QUEUE);
  await copyTree(source, target, { signal, exclude, ...(owner === undefined ? {} : { owner }) });
  const [different] = await missingFrom(source, target, { signal, exclude }, 1);
  if (different === undefined) return;
  throw new RolloutError('CHANGED_MEANWHILE', `${different} in ${to} is not what it is in ${from}`);
}

async function refuseForeign(
  way: Way,
  ways: readonly Way[],
  aside: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const root = treeRoot(way.to);
  // a queue below this one is looked at when it moves itself
  const exclude = (path: Buffer): boolean => ways.some(({ to }) => below(root, path).equals(treeRoot(to)));
  const foreign: string[] = [];
  for await (const entry of walkTree(root, { signal, exclude })) {
    if (
      entry.kind === 'folder' ||
      isUnfinished(entry.path) ||
      (await isAmong([way.from, ...aside], way.to, entry, signal))
    )
      continue;
    foreign.push(shown(entry.path));
  }
  const [first] = foreign;
  if (first === undefined) return;
  throw new RolloutError(
    'QUEUE_FOREIGN',
    `${way.to} holds ${foreign.length} messages, such as ${first}, that do not wait in ${way.from}`,
  );
}

/** Removes what is the same in one of the other folders; what is not stays. */
async function removeCopies(target: string, others: readonly string[], signal: AbortSignal): Promise<void> {
  const root = treeRoot(target);
  const folders: Buffer[] = [];
  for await (const entry of walkTree(root, { signal })) {
    if (entry.kind === 'folder') folders.unshift(entry.path);
    else if (isUnfinished(entry.path) || (await isAmong(others, target, entry, signal)))
      await rm(below(root, entry.path));
  }
  for (const folder of folders) await rmdir(below(root, folder)).catch(() => undefined);
}

async function isAmong(
  others: readonly string[],
  target: string,
  entry: TreeEntry,
  signal: AbortSignal,
): Promise<boolean> {
  for (const other of others) if (await sameEntry(treeRoot(target), treeRoot(other), entry, signal)) return true;
  return false;
}

async function messagesIn(folder: string, signal: AbortSignal): Promise<number> {
  return (await sizeOfTree(treeRoot(folder), { signal })).files;
}

/** Owner and rights of the new folder: those that it has, or had before it was renamed, otherwise the owner's. */
async function factsFor({ from, to }: Way, owner: Owner | undefined, note: StateFile<MovedNote>): Promise<FolderFacts> {
  for (const folder of [to, ...(await asideOf(to, note)).toReversed()]) {
    const facts = await folderAt(folder);
    if (facts !== null) return facts;
  }
  // not those of the old one: a stop that went back has taken ours away, and the next one makes it anew
  if (owner !== undefined) return { ...owner, mode: OWN_MODE };
  return { uid: 0, gid: 0, mode: OWN_MODE, ...(await folderAt(from)) };
}

/** Folders in a queue get the rights of our own ones; on the way back, those that they had. */
async function settleFolders(
  to: string,
  owner: Owner | undefined,
  aside: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const former = treeRoot(aside.at(-1) ?? to);
  for await (const { kind, path } of walkTree(treeRoot(to), { signal })) {
    if (kind !== 'folder') continue;
    const facts = owner === undefined ? await folderAt(below(former, path).toString()) : { ...owner, mode: OWN_MODE };
    if (facts !== null) await ensureFolder(below(treeRoot(to), path).toString(), facts);
  }
}

/** The names that a folder got when its messages had moved, oldest first. */
async function asideOf(folder: string, note: StateFile<MovedNote>): Promise<readonly string[]> {
  return (await note.read())?.names[folder] ?? [];
}

async function freeName(folder: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = `${folder}${MOVED_QUEUE}${number}`;
    if ((await folderAt(name)) === null) return name;
  }
}

function noteOf(agent: Context['agent']): StateFile<MovedNote> {
  return stateFile<MovedNote>(agent, 'moved-queues');
}
