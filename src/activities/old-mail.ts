import { lstat, rm, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { isInstalled, readPathDat } from '../icewarp/layout.js';
import { LINE, lineOf } from '../icewarp/path-dat.js';
import { Tool } from '../icewarp/tool.js';
import { SETTINGS } from '../icewarp/variables.js';
import { PathList } from '../platform/path-list.js';
import { below, kindOf, missingFrom, present, sameEntry, shown, sizeOfTree, treeRoot } from '../platform/tree.js';
import type { TreeSize } from '../platform/tree.js';
import { copyTree } from '../platform/tree-copy.js';
import type { Agent } from './agent.js';
import type { Context, Resource } from './resource.js';
import { stopForChange } from './restart-marker.js';
import { stateFile } from './state-file.js';
import type { StateFile } from './state-file.js';

/** The mail or the archives that a node held before, copied to the share (G15, G16). */
export interface OldMailDesired {
  readonly directory: string;
  readonly what: 'mail' | 'archive';
  /** Folder on the share. */
  readonly to: string;
  readonly owner: { readonly uid: number; readonly gid: number };
}

export interface OldMailObserved extends TreeSize {
  /** The folder in force. */
  readonly from: string;
  /** Messages that wait in a queue (B2). */
  readonly queued: number;
  readonly copied: boolean;
}

/** The durable note about a copy. */
interface CopyNote extends TreeSize {
  readonly source: string;
  readonly done: boolean;
}

const PATHS = { mail: SETTINGS.mailPath, archive: SETTINGS.archivePath } as const;

/** Never copied: mail that waits would be sent twice (procedure, rule 3). */
const QUEUES = ['_outgoing', '_incoming'] as const;
const QUEUE_LINES = [LINE.outgoing, LINE.retry, LINE.incoming] as const;

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
    await stopForChange(desired.directory, context);
    // What came in until the stop counts.
    const { from, queued } = (await observe(desired, context)) ?? before;
    if (queued > 0) {
      throw new RolloutError('QUEUE_NOT_EMPTY', `${queued} messages wait in the queues of ${from}`);
    }
    const [note, made] = notesOf(context.agent, desired);
    await note.write({ source: from, files: 0, bytes: 0, done: false });
    const [source, target] = [treeRoot(from), treeRoot(desired.to)];
    const options = { signal: context.signal, exclude: isQueue };
    const size = await copyTree(source, target, {
      ...options,
      owner: desired.owner,
      announce: (entries) => made.append(entries.map(({ path }) => path)),
    });
    const different = await missingFrom(source, target, options);
    if (different.length > 0) {
      throw new RolloutError('COPY_DIFFERS', `the copy of ${from} in ${desired.to} differs: ${different.join(', ')}`);
    }
    await note.write({ source: from, ...size, done: true });
  },

  async restore(desired, _before, context) {
    const [note, made] = notesOf(context.agent, desired);
    const copied = await note.read();
    if (copied === null) return [];
    if (await isInstalled(desired.directory)) await stopForChange(desired.directory, context);
    const kept = await removeCopies(made, copied.source, desired.to, context.signal);
    await made.remove();
    await note.remove();
    if (kept.count === 0) return [];
    return [`${desired.to} keeps ${kept.count} copied files that changed since, such as ${kept.example}`];
  },
};

async function observe(desired: OldMailDesired, { agent, signal }: Context): Promise<OldMailObserved | null> {
  const { directory, what, to } = desired;
  if (!(await isInstalled(directory))) return null;
  const setting = await new Tool(directory, signal).get(PATHS[what].variable);
  const from = setting === '' ? '' : resolve(directory, setting);
  if (from === '' || from === resolve(to)) return { from, files: 0, bytes: 0, queued: 0, copied: true };
  const source = treeRoot(from);
  const size = await sizeOfTree(source, { signal, exclude: isQueue });
  const queued = what === 'mail' ? await countQueued(directory, from, signal) : 0;
  const note = await notesOf(agent, desired)[0].read();
  const copied = note?.done === true && note.source === from && note.files === size.files && note.bytes === size.bytes;
  return { from, ...size, queued, copied };
}

/** Files in the queues below the mail folder and in those that path.dat names. */
async function countQueued(directory: string, mail: string, signal: AbortSignal): Promise<number> {
  const lines = await readPathDat(directory);
  const named = QUEUE_LINES.map((number) => lineOf(lines, number)).filter((folder) => folder !== '');
  const folders = new Set([...QUEUES.map((name) => join(mail, name)), ...named].map((folder) => resolve(folder)));
  let count = 0;
  for (const folder of folders) {
    const nested = [...folders].some((other) => folder.startsWith(`${other}/`));
    if (!nested) count += (await sizeOfTree(treeRoot(folder), { signal })).files;
  }
  return count;
}

/** Removes what the list names and nobody changed since. The source stays as it is. @returns what was kept. */
async function removeCopies(
  made: PathList,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<{ readonly count: number; readonly example: string }> {
  const [source, target] = [treeRoot(from), treeRoot(to)];
  const kept = { count: 0, example: '' };
  const folders: Buffer[] = [];
  for await (const path of made.paths()) {
    signal.throwIfAborted();
    const stats = await present(lstat(below(target, path), { bigint: true }));
    if (stats === null) continue;
    const entry = { path, kind: kindOf(stats), stats };
    if (entry.kind === 'folder') folders.push(path);
    else if (await sameEntry(target, source, entry, signal)) await rm(below(target, path), { force: true });
    else {
      kept.count += 1;
      kept.example = shown(path);
    }
  }
  for (const folder of folders.reverse()) {
    // One that holds anything stays.
    await rmdir(below(target, folder)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    });
  }
  return kept;
}

function notesOf(agent: Agent, { what }: OldMailDesired): readonly [StateFile<CopyNote>, PathList] {
  return [stateFile<CopyNote>(agent, `old-${what}`), new PathList(join(agent.config.stateDir, `old-${what}.made`))];
}

function isQueue(path: Buffer): boolean {
  return QUEUES.some((name) => path.equals(Buffer.from(name)));
}
