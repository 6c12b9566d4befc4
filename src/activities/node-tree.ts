import { dirname, resolve } from 'node:path';

import { isInstalled } from '../icewarp/layout.js';
import { mailTree, type MailTree, type TreeName } from '../icewarp/mail-tree.js';
import { Tool } from '../icewarp/tool.js';
import { FACTS, SETTINGS } from '../icewarp/variables.js';
import { readSentinel } from '../platform/sentinel.js';
import { treeRoot, walkTree, type TreeEntry, type TreeSize } from '../platform/tree.js';
import { compile } from '../transfer/patterns.js';
import type { Agent } from './agent.js';
import type { TreeContext } from './copy-shard.js';
import type { Owner } from './folder-set.js';
import { dropInventory, keepInventory } from './mail-found.js';
import { InventoryDraft } from './mail-inventory.js';
import type { Context } from './resource.js';
import { stateFile, type StateFile } from './state-file.js';

/** What is copied, and where it goes. */
export interface TreePlace {
  readonly directory: string;
  readonly what: TreeName;
  /** Folder on the share. */
  readonly to: string;
}

/** A tree that a node held before, copied to the share (G15, G16; procedure, rule 7). */
export interface TreeDesired extends TreePlace {
  /** Where the share is mounted, and the cluster that its sentinel must name. */
  readonly mount: string;
  readonly cluster: string;
  readonly owner: Owner;
}

/** How much a tree holds. */
export interface TreeAmount extends TreeSize {
  /** How much of it is written over in place: every final pass reads that again (procedure, rule 6). */
  readonly rewritten: TreeSize;
}

export interface TreeLook extends TreeAmount {
  /** The folder in force. */
  readonly from: string;
  /** All that is there now has been copied with nobody writing. */
  readonly copied: boolean;
}

/** The durable note of what the latest final pass found. */
export interface TreeNote extends TreeSize {
  readonly source: string;
  /** When anything in the tree changed last, in nanoseconds of its own clock. */
  readonly changed: string;
  /** Milliseconds since 1970, of this node: when the pass had ended. */
  readonly ended?: number;
}

/** What a final pass has before it: how much there is. */
export interface TreeState extends TreeAmount, Pick<TreeNote, 'changed'> {
  readonly links: number;
}

const VARIABLES: Readonly<Record<TreeName, string>> = {
  mail: SETTINGS.mailPath.variable,
  archive: SETTINGS.archivePath.variable,
  calendar: FACTS.calendarPath,
};

/** The folder that the latest copy was made from; null where none was made. */
export async function copiedFrom(agent: Agent, what: TreeName): Promise<string | null> {
  return (await treeNote(agent, what).read())?.source ?? null;
}

/** The note of the latest final pass over a tree. */
export function treeNote(agent: Agent, what: TreeName): StateFile<TreeNote> {
  return stateFile<TreeNote>(agent, `old-${what}`);
}

/** Forgets a final pass, and the list of what the tree held at it. */
export async function dropFinalPass(agent: Agent, what: TreeName): Promise<void> {
  await dropInventory(agent, what);
  await treeNote(agent, what).remove();
}

/**
 * What there is to copy, and whether it has been; null where IceWarp is not installed.
 *
 * @param see is told the path of everything that is there, folders before what is in them.
 */
export async function lookAtTree(
  place: TreePlace,
  { agent, signal }: Context,
  see?: (path: Buffer) => void,
): Promise<TreeLook | null> {
  const { what, to } = place;
  const from = await folderInForce(place, signal);
  if (from === null) return null;
  const rewritten = { files: 0, bytes: 0 };
  if (isThere(from, to)) return { from, files: 0, bytes: 0, rewritten, copied: true };
  const { changed, links: _, ...amount } = await stateOf(what, from, signal, ({ path }) => see?.(path));
  const note = await treeNote(agent, what).read();
  const same = note?.files === amount.files && note.bytes === amount.bytes && note.changed === changed;
  return { from, ...amount, copied: same && note.source === from };
}

/** Where a tree is now; empty where IceWarp names no folder, null where it is not installed. */
export async function folderInForce({ directory, what }: TreePlace, signal: AbortSignal): Promise<string | null> {
  if (!(await isInstalled(directory))) return null;
  const setting = await new Tool(directory, signal).get(VARIABLES[what]);
  return setting === '' ? '' : resolve(directory, setting);
}

/** Whether the path in force needs no copy: none is set, or it is the one on the share. */
export function isThere(from: string, to: string): boolean {
  return from === '' || from === resolve(to);
}

/** The mount point that a folder of the share lies below: where the first sentinel is; the root where there is none. */
export async function mountOf(folder: string, signal: AbortSignal): Promise<string> {
  const above = dirname(folder);
  if (above === folder || (await readSentinel(folder, signal)) !== null) return folder;
  return mountOf(above, signal);
}

/**
 * Makes the final pass. The note is from before it: what changes meanwhile is no part of it. So is the inventory: the
 * services are stopped, and what is there now has to be there afterwards, because nobody can delete any of it until they
 * start.
 *
 * @param pass copies the tree, given how much there is, and throws unless all of it is at its destination.
 */
export async function finishTree(
  place: TreePlace,
  from: string,
  { uid, gid }: Owner,
  context: Context,
  pass: (tree: MailTree, state: TreeState) => Promise<void>,
): Promise<void> {
  const { what, to } = place;
  const { agent, signal } = context;
  const inventory = new InventoryDraft(agent.config.cluster);
  const state = await stateOf(what, from, signal, (entry) => inventory.add(entry));
  await keepInventory(agent, what, await inventory.finished(treeRoot(from), signal));
  await pass(mailTree(what, from, to, 'quiet', { uid, gid }), state);
  const { files, bytes, changed } = state;
  await treeNote(agent, what).write({ source: from, files, bytes, changed, ended: Date.now() });
}

/** A message that is moved, or written over in the same length, changes neither count nor bytes, but a time. */
async function stateOf(
  what: TreeName,
  from: string,
  signal: AbortSignal,
  see: (entry: TreeEntry) => void,
): Promise<TreeState> {
  let [files, bytes, links, changed] = [0, 0, 0, 0n];
  const rewritten = { files: 0, bytes: 0 };
  const { exclude, rehash } = mailTree(what, from, from, 'quiet');
  const isRewritten = matcher(rehash);
  for await (const entry of walkTree(treeRoot(from), { signal, exclude: matcher(exclude) })) {
    const { kind, path, stats } = entry;
    see(entry);
    for (const time of [stats.ctimeNs, stats.mtimeNs]) if (time > changed) changed = time;
    if (kind === 'link') links += 1;
    if (kind !== 'file') continue;
    const size = Number(stats.size);
    files += 1;
    bytes += size;
    if (!isRewritten(path)) continue;
    rewritten.files += 1;
    rewritten.bytes += size;
  }
  return { files, bytes, rewritten, links, changed: String(changed) };
}

/** What patterns of the copy engine say of the paths of a walk. */
export function matcher(patterns: readonly string[]): (path: Buffer) => boolean {
  const matches = compile(patterns);
  return (path) => matches(path.toString('latin1'));
}

/** What the copy engine is given by a step; its progress goes nowhere. */
export function treeContext({ agent, signal }: Context): TreeContext {
  return { stateDir: agent.config.stateDir, signal, tell: () => undefined };
}
