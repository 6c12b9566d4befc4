import { lstat, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { isInstalled } from '../icewarp/layout.js';
import { Tool } from '../icewarp/tool.js';
import { SETTINGS } from '../icewarp/variables.js';
import { PathList } from '../platform/path-list.js';
import { readSentinel } from '../platform/sentinel.js';
import { roomOnShare } from '../platform/share.js';
import { below, kindOf, missingFrom, present, sameEntry, shown, treeRoot, walkTree } from '../platform/tree.js';
import type { TreeEntry, TreeSize, WalkOptions } from '../platform/tree.js';
import { copyTree } from '../platform/tree-copy.js';
import type { Agent } from './agent.js';
import { countQueued, isQueue, stopWithQueuesEmpty } from './queues.js';
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

interface Owner {
  readonly uid: number;
  readonly gid: number;
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
  /** Messages that wait in a queue (B2). */
  readonly queued: number;
  readonly copied: boolean;
}

/** How much a tree holds, and when anything in it changed last, in nanoseconds of its own clock. */
interface TreeState extends TreeSize {
  readonly changed: string;
}

/** The durable note about a copy. */
interface CopyNote extends TreeState {
  readonly source: string;
  readonly done: boolean;
}

const PATHS = { mail: SETTINGS.mailPath, archive: SETTINGS.archivePath } as const;

/** Nanoseconds by which the time of a copy may miss that of its original: shares keep fewer digits. */
const ROUNDING = 1_000_000n;

export const oldMail: Resource<OldMailDesired, OldMailObserved, 'node'> = {
  place: 'node',
  observe,

  diff(desired, observed) {
    const what = `old ${desired.what} in ${desired.to}`;
    if (observed === null) return [];
    const { files, bytes, queued, copied } = observed;
    if (queued > 0) return [{ what, before: `${queued} messages wait in a queue`, after: 'queues empty' }];
    if (files === 0 || copied) return [];
    return [{ what, before: 'not there', after: `${files} files, ${bytes} bytes` }];
  },

  async apply(desired, context) {
    const before = await observe(desired, context);
    if (before === null) throw new RolloutError('NOT_INSTALLED', `there is no IceWarp in ${desired.directory}`);
    if (oldMail.diff(desired, before).length === 0) return;
    await assertShareMounted(desired.mount, desired.cluster, context.signal);
    await assertRoom(desired, before, context);
    await stopServices(desired, before.from, context);
    await copy(desired, before.from, desired.owner, context);
  },

  async restore(desired, _before, context) {
    const { directory, to } = desired;
    const { signal } = context;
    const [note, made] = notesOf(context.agent, desired);
    const copied = await note.read();
    if (copied === null) return [];
    await assertShareMounted(desired.mount, desired.cluster, signal);
    if (await isInstalled(directory)) await stopForChange(directory, context);
    const [source, target] = [treeRoot(copied.source), treeRoot(to)];
    const kept = await removeCopies(made, target, (entry) => sameEntry(target, source, entry, signal), signal);
    await made.remove();
    await note.remove();
    if (kept.count === 0) return [];
    return [`${to} keeps ${kept.count} copied files that changed since, such as ${kept.example}`];
  },
};

/**
 * Stands before the path of mail or archives is switched to the share: stops the services and copies what came in since
 * the copy, for whatever reason they ran meanwhile. They stay stopped, noted by the restart marker.
 *
 * @throws RolloutError QUEUE_NOT_EMPTY, with the services as they were; SHARE_NOT_MOUNTED; COPY_DIFFERS;
 * CHANGED_MEANWHILE when the share holds something else by the same name.
 */
export async function assertOldMailCopied(
  directory: string,
  what: OldMailPlace['what'],
  to: string,
  context: Context,
): Promise<void> {
  const { agent, signal } = context;
  const place = { directory, what, to };
  const before = await observe(place, context);
  if (before === null || isThere(before.from, to)) return;
  await stopServices(place, before.from, context);
  const after = await observe(place, context);
  const noted = (await notesOf(agent, place)[0].read()) !== null;
  if (after === null || after.copied || (after.files === 0 && !noted)) return;
  await assertShareMounted(await mountOf(resolve(to), signal), agent.config.cluster, signal);
  await copy(place, before.from, await stat(to), context);
}

async function observe(place: OldMailPlace, { agent, signal }: Context): Promise<OldMailObserved | null> {
  const { directory, what, to } = place;
  if (!(await isInstalled(directory))) return null;
  const setting = await new Tool(directory, signal).get(PATHS[what].variable);
  const from = setting === '' ? '' : resolve(directory, setting);
  if (isThere(from, to)) return { from, files: 0, bytes: 0, queued: 0, copied: true };
  const { changed, ...size } = await stateOf(treeRoot(from), { signal, exclude: isQueue });
  const queued = what === 'mail' ? await countQueued(directory, from, signal) : 0;
  const note = await notesOf(agent, place)[0].read();
  const same = note?.files === size.files && note.bytes === size.bytes && note.changed === changed;
  return { from, ...size, queued, copied: same && note.done && note.source === from };
}

/** Whether the path in force needs no copy: none is set, or it is the one on the share. */
function isThere(from: string, to: string): boolean {
  return from === '' || from === resolve(to);
}

/**
 * Stands before the services are stopped for a copy that would end in the middle. A copy that is under way has taken
 * some of the room already, and shows by itself whether the rest is enough.
 *
 * @throws RolloutError SHARE_FULL.
 */
async function assertRoom(place: OldMailPlace, { files, bytes }: TreeSize, { agent, signal }: Context): Promise<void> {
  if ((await notesOf(agent, place)[0].read()) !== null) return;
  const room = await roomOnShare(place.to, signal);
  const lacks = room.bytes < bytes || (room.files !== null && room.files < files);
  if (!lacks) return;
  const takes = room.files === null ? '' : ` and ${room.files} files`;
  throw new RolloutError(
    'SHARE_FULL',
    `${place.to} takes only ${room.bytes} bytes${takes} more; the old ${place.what} has ${bytes} bytes and ${files} files`,
  );
}

/** Archives have no queues. @throws RolloutError QUEUE_NOT_EMPTY, with the services as they were. */
async function stopServices({ directory, what }: OldMailPlace, from: string, context: Context): Promise<void> {
  if (what === 'mail') await stopWithQueuesEmpty(directory, from, context);
  else await stopForChange(directory, context);
}

/** The mount point that a folder of the share lies below: where the first sentinel is; the root where there is none. */
async function mountOf(folder: string, signal: AbortSignal): Promise<string> {
  const above = dirname(folder);
  if (above === folder || (await readSentinel(folder, signal)) !== null) return folder;
  return mountOf(above, signal);
}

/** Copies what is missing, and again what changed in the source since an earlier copy of ours. */
async function copy(place: OldMailPlace, from: string, owner: Owner, { agent, signal }: Context): Promise<void> {
  const { to } = place;
  const [note, made] = notesOf(agent, place);
  const [source, target] = [treeRoot(from), treeRoot(to)];
  const options = { signal, exclude: isQueue };
  const former = await note.read();
  if (former !== null) {
    const isStale = async (entry: TreeEntry): Promise<boolean> =>
      // A copy bears its original's time; whatever was written on the share since is younger.
      entry.stats.mtimeNs <= BigInt(former.changed) + ROUNDING && !(await sameEntry(target, source, entry, signal));
    await removeCopies(made, target, isStale, signal);
  }
  const state = await stateOf(source, options);
  await note.write({ source: from, ...state, done: false });
  await copyTree(source, target, {
    ...options,
    owner: { uid: owner.uid, gid: owner.gid },
    announce: (entries) => made.append(entries.map(({ path }) => path)),
  });
  const different = await missingFrom(source, target, options);
  if (different.length > 0) {
    throw new RolloutError('COPY_DIFFERS', `the copy of ${from} in ${to} differs: ${different.join(', ')}`);
  }
  await note.write({ source: from, ...state, done: true });
}

/** A message that is moved, or written over in the same length, changes neither count nor bytes, but a time. */
async function stateOf(root: Buffer, options: WalkOptions): Promise<TreeState> {
  let [files, bytes, changed] = [0, 0, 0n];
  for await (const { kind, stats } of walkTree(root, options)) {
    for (const time of [stats.ctimeNs, stats.mtimeNs]) if (time > changed) changed = time;
    if (kind !== 'file') continue;
    files += 1;
    bytes += Number(stats.size);
  }
  return { files, bytes, changed: String(changed) };
}

/** Removes what the list names and `isOurs` confirms, then the folders left empty. @returns which files were kept. */
async function removeCopies(
  made: PathList,
  target: Buffer,
  isOurs: (entry: TreeEntry) => Promise<boolean>,
  signal: AbortSignal,
): Promise<{ readonly count: number; readonly example: string }> {
  const kept = { count: 0, example: '' };
  const folders: Buffer[] = [];
  for await (const path of made.paths()) {
    signal.throwIfAborted();
    const stats = await present(lstat(below(target, path), { bigint: true }));
    if (stats === null) continue;
    const entry = { path, kind: kindOf(stats), stats };
    if (entry.kind === 'folder') folders.push(path);
    else if (await isOurs(entry)) await rm(below(target, path), { force: true });
    else {
      kept.count += 1;
      kept.example = shown(path);
    }
  }
  for (const folder of folders.reverse()) {
    // One that holds anything stays; one that the list names twice is gone.
    await present(rmdir(below(target, folder))).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    });
  }
  return kept;
}

function notesOf(agent: Agent, { what }: OldMailPlace): readonly [StateFile<CopyNote>, PathList] {
  return [stateFile<CopyNote>(agent, `old-${what}`), new PathList(join(agent.config.stateDir, `old-${what}.made`))];
}
