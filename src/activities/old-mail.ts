import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { isInstalled } from '../icewarp/layout.js';
import { mailTree } from '../icewarp/mail-tree.js';
import { Tool } from '../icewarp/tool.js';
import { SETTINGS } from '../icewarp/variables.js';
import { readSentinel } from '../platform/sentinel.js';
import { treeRoot, walkTree } from '../platform/tree.js';
import type { TreeEntry, TreeSize, WalkOptions } from '../platform/tree.js';
import type { Agent } from './agent.js';
import { copyWhole, isCopyBegun, withdrawCopy, type TreeContext } from './copy-shard.js';
import { dropInventory, keepInventory } from './mail-found.js';
import type { Owner } from './folder-set.js';
import { InventoryDraft } from './mail-inventory.js';
import { isQueue, queuesBelow, stopWithQueuesEmpty } from './queues.js';
import type { Context, Resource } from './resource.js';
import { stopForChange } from './restart-marker.js';
import { assertShareMounted } from './share-mounted.js';
import { stateFile } from './state-file.js';
import type { StateFile } from './state-file.js';

/** What is copied, and where it goes. */
interface OldMailPlace {
  readonly directory: string;
  readonly what: 'mail' | 'archive';
  /** Folder on the share. */
  readonly to: string;
}

/** The mail or the archives that a node held before, copied to the share (G15, G16). */
export interface OldMailDesired extends OldMailPlace {
  /** Where the share is mounted, and the cluster that its sentinel must name. */
  readonly mount: string;
  readonly cluster: string;
  readonly owner: Owner;
}

export interface OldMailObserved extends TreeSize {
  /** The folder in force. */
  readonly from: string;
  /** All that is there now has been copied with nobody writing. */
  readonly copied: boolean;
}

/** The folder that the latest copy was made from; null where none was made. */
export async function copiedFrom(agent: Agent, what: OldMailPlace['what']): Promise<string | null> {
  return (await noteOf(agent, { what }).read())?.source ?? null;
}

/** How much a tree holds, and when anything in it changed last, in nanoseconds of its own clock. */
interface TreeState extends TreeSize {
  readonly changed: string;
}

/** The durable note of what the latest final pass found. */
interface CopyNote extends TreeState {
  readonly source: string;
}

const PATHS = { mail: SETTINGS.mailPath, archive: SETTINGS.archivePath } as const;

/**
 * What stops the services and makes the final pass. The first copy is made before, by passes of their own, while users
 * work.
 */
export const oldMail: Resource<OldMailDesired, OldMailObserved, 'node'> = {
  place: 'node',
  observe: observeOldMail,

  diff(desired, observed) {
    const what = `old ${desired.what} in ${desired.to}`;
    if (observed === null) return [];
    const { files, bytes, copied } = observed;
    if (files === 0 || copied) return [];
    // users work meanwhile, and the mail grows
    return [{ what, before: 'not there', after: `${files} files, ${bytes} bytes`, volatile: ['after'] }];
  },

  async apply(desired, context) {
    const before = await observeOldMail(desired, context);
    if (before === null) throw new RolloutError('NOT_INSTALLED', `there is no IceWarp in ${desired.directory}`);
    if (oldMail.diff(desired, before).length === 0) return;
    await assertShareMounted(desired.mount, desired.cluster, context.signal);
    await stopForChange(desired.directory, context);
    await finish(desired, before.from, desired.owner, context);
  },

  async restore(desired, _before, context) {
    const { agent, signal } = context;
    const { directory, what, to } = desired;
    const note = noteOf(agent, desired);
    await dropInventory(agent, what);
    if (!(await isCopyBegun(what, agent.config.stateDir))) {
      await note.remove();
      return [];
    }
    await assertShareMounted(desired.mount, desired.cluster, signal);
    if (await isInstalled(directory)) await stopForChange(directory, context);
    const { DEST_CHANGED: kept } = await withdrawCopy(what, treeContext(context));
    await note.remove();
    if (kept === undefined) return [];
    return [`${to} keeps ${kept.count} copied files that changed since, such as ${kept.example}`];
  },
};

/**
 * Stands before the path of mail or archives is switched to the share: stops the services and copies what came in since
 * the copy, for whatever reason they ran meanwhile. They stay stopped, noted by the restart marker.
 *
 * @throws RolloutError QUEUE_NOT_EMPTY, with the services as they were; SHARE_NOT_MOUNTED; as {@link copyWhole} does.
 */
export async function assertOldMailCopied(
  directory: string,
  what: OldMailPlace['what'],
  to: string,
  context: Context,
): Promise<void> {
  const { agent, signal } = context;
  const place = { directory, what, to };
  const from = await folderInForce(place, signal);
  if (from === null || isThere(from, to)) return;
  if (what === 'mail') await stopWithQueuesEmpty(directory, queuesBelow(from), context);
  else await stopForChange(directory, context);
  const after = await observeOldMail(place, context);
  if (after === null || after.copied) return;
  if (after.files === 0 && !(await isCopyBegun(what, agent.config.stateDir))) return;
  await assertShareMounted(await mountOf(resolve(to), signal), agent.config.cluster, signal);
  await finish(place, from, await stat(to), context);
}

/**
 * What there is to copy, and whether it has been; null where IceWarp is not installed.
 *
 * @param see is told the path of everything that is there, folders before what is in them.
 */
export async function observeOldMail(
  place: OldMailPlace,
  { agent, signal }: Context,
  see?: (path: Buffer) => void,
): Promise<OldMailObserved | null> {
  const { to } = place;
  const from = await folderInForce(place, signal);
  if (from === null) return null;
  if (isThere(from, to)) return { from, files: 0, bytes: 0, copied: true };
  const { changed, ...size } = await stateOf(treeRoot(from), { signal, exclude: isQueue }, ({ path }) => see?.(path));
  const note = await noteOf(agent, place).read();
  const same = note?.files === size.files && note.bytes === size.bytes && note.changed === changed;
  return { from, ...size, copied: same && note.source === from };
}

/** Where mail or archives are now; empty where IceWarp names no folder, null where it is not installed. */
async function folderInForce({ directory, what }: OldMailPlace, signal: AbortSignal): Promise<string | null> {
  if (!(await isInstalled(directory))) return null;
  const setting = await new Tool(directory, signal).get(PATHS[what].variable);
  return setting === '' ? '' : resolve(directory, setting);
}

/** Whether the path in force needs no copy: none is set, or it is the one on the share. */
function isThere(from: string, to: string): boolean {
  return from === '' || from === resolve(to);
}

/** The mount point that a folder of the share lies below: where the first sentinel is; the root where there is none. */
async function mountOf(folder: string, signal: AbortSignal): Promise<string> {
  const above = dirname(folder);
  if (above === folder || (await readSentinel(folder, signal)) !== null) return folder;
  return mountOf(above, signal);
}

/**
 * The final pass. The note is from before it: what changes meanwhile is no part of it. So is the inventory: the services
 * are stopped, and what is there now has to be there afterwards, because nobody can delete any of it until they start.
 */
async function finish(place: OldMailPlace, from: string, { uid, gid }: Owner, context: Context): Promise<void> {
  const { what, to } = place;
  const { agent, signal } = context;
  const root = treeRoot(from);
  const inventory = new InventoryDraft(agent.config.cluster);
  const state = await stateOf(root, { signal, exclude: isQueue }, (entry) => inventory.add(entry));
  await keepInventory(agent, what, await inventory.finished(root, signal));
  const tree = mailTree(what, from, to, 'quiet', { uid, gid });
  await copyWhole({ tree, kind: 'final' }, treeContext(context));
  await noteOf(context.agent, place).write({ source: from, ...state });
}

/** A message that is moved, or written over in the same length, changes neither count nor bytes, but a time. */
async function stateOf(
  root: Buffer,
  options: WalkOptions,
  see: (entry: TreeEntry) => void = () => undefined,
): Promise<TreeState> {
  let [files, bytes, changed] = [0, 0, 0n];
  for await (const entry of walkTree(root, options)) {
    const { kind, stats } = entry;
    see(entry);
    for (const time of [stats.ctimeNs, stats.mtimeNs]) if (time > changed) changed = time;
    if (kind !== 'file') continue;
    files += 1;
    bytes += Number(stats.size);
  }
  return { files, bytes, changed: String(changed) };
}

function noteOf(agent: Agent, { what }: Pick<OldMailPlace, 'what'>): StateFile<CopyNote> {
  return stateFile<CopyNote>(agent, `old-${what}`);
}

function treeContext({ agent, signal }: Context): TreeContext {
  return { stateDir: agent.config.stateDir, signal, tell: () => undefined };
}
