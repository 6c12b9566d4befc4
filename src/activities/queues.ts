import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import { ensureStarted, runningModules } from '../icewarp/control.js';
import { readPathDat } from '../icewarp/layout.js';
import { MOVED_QUEUE, QUEUES } from '../icewarp/mail-tree.js';
import { LINE, lineOf } from '../icewarp/path-dat.js';
import { Tool } from '../icewarp/tool.js';
import { SETTINGS } from '../icewarp/variables.js';
import { sizeOfTree, treeRoot } from '../platform/tree.js';
import type { Context } from './resource.js';
import { readMarker, stopForChange } from './restart-marker.js';

/** The folders of a node in which messages wait, each with what is below it. */
export interface Queues {
  readonly outgoing: string;
  /** What could not be sent at once; usually below `outgoing`. */
  readonly retry: string;
  readonly incoming: string;
}

/** The outermost first. */
export const QUEUE_ROLES = ['outgoing', 'retry', 'incoming'] as const satisfies readonly (keyof Queues)[];

/** Milliseconds between two looks at a queue. */
const PAUSE = 500;

/** The lines of path.dat that say where queues are. */
export const QUEUE_LINES = QUEUE_ROLES.map((role) => LINE[role]);

/** Whether a path below the mail folder is a queue: never copied, mail that waits would be sent twice (rule 3). */
export function isQueue(path: Buffer): boolean {
  const name = path.toString('latin1');
  return QUEUES.some((queue) => name === queue || name.startsWith(`${queue}${MOVED_QUEUE}`));
}

/** The mail folder in force; empty where IceWarp names none. */
export async function mailInForce(directory: string, signal: AbortSignal): Promise<string> {
  const setting = (await new Tool(directory, signal).find(SETTINGS.mailPath.variable)) ?? '';
  return setting === '' ? '' : resolve(directory, setting);
}

/**
 * Where messages wait: in the folders that path.dat names, otherwise in their places below the mail folder. A folder is
 * empty where IceWarp names neither.
 */
export async function queuesInForce(directory: string, signal: AbortSignal): Promise<Queues> {
  const lines = await readPathDat(directory);
  const named = (role: keyof Queues): string => {
    const folder = lineOf(lines, LINE[role]);
    return folder === '' ? '' : resolve(directory, folder);
  };
  const [outgoing, retry, incoming] = QUEUE_ROLES.map(named) as [string, string, string];
  // on a joined node the mail folder is everybody's: it is not even asked for where path.dat names the queues
  const mail = outgoing === '' || incoming === '' ? await mailInForce(directory, signal) : '';
  const below = (name: string): string => (mail === '' ? '' : join(mail, name));
  const out = outgoing || below('_outgoing');
  return {
    outgoing: out,
    retry: retry || (out === '' ? '' : join(out, 'retry')),
    incoming: incoming || below('_incoming'),
  };
}

/** The queues below a mail folder, whether they are in force or not: mail that lies there shall not be forgotten. */
export function queuesBelow(mail: string): readonly string[] {
  return mail === '' ? [] : QUEUES.map((name) => join(mail, name));
}

/** The folders of queues, none of them below another. */
export function foldersOf(queues: Queues): readonly string[] {
  const folders = [...new Set(QUEUE_ROLES.map((role) => queues[role]).filter((folder) => folder !== ''))];
  return folders.filter((folder) => !folders.some((other) => folder.startsWith(`${other}/`)));
}

/** Files in some folders of queues. */
export async function countQueued(folders: readonly string[], signal: AbortSignal): Promise<number> {
  let count = 0;
  for (const folder of folders) count += (await sizeOfTree(treeRoot(folder), { signal })).files;
  return count;
}

/**
 * Lets the running services deliver what has come in, for so many milliseconds at most; without a service to do it,
 * nothing is waited for.
 *
 * @returns messages that still wait.
 */
export async function letArrive(
  directory: string,
  incoming: string,
  limit: number,
  signal: AbortSignal,
): Promise<number> {
  const end = Date.now() + limit;
  for (;;) {
    const left = incoming === '' ? 0 : await countQueued([incoming], signal);
    if (left === 0 || Date.now() >= end || (await runningModules(directory)).length === 0) return left;
    await sleep(PAUSE, undefined, { signal });
  }
}

/**
 * Stops the services where messages that wait in some folders would be left behind. It looks before, while the services
 * can still empty them, and once more when nothing comes in any longer.
 *
 * @throws RolloutError QUEUE_NOT_EMPTY, with what served running again: only running services empty a queue.
 */
export async function stopWithQueuesEmpty(
  directory: string,
  folders: readonly string[],
  context: Context,
): Promise<void> {
  try {
    await refuseQueued(folders, context.signal);
    await stopForChange(directory, context);
    await refuseQueued(folders, context.signal);
  } catch (error) {
    const refused = error instanceof RolloutError && error.code === 'QUEUE_NOT_EMPTY';
    // The durable note, not what ran a moment ago: an attempt that was killed may have stopped them.
    if (refused && (await readMarker(context.agent)).stopped.length > 0) await ensureStarted(directory, context.signal);
    throw error;
  }
}

async function refuseQueued(folders: readonly string[], signal: AbortSignal): Promise<void> {
  const queued = await countQueued(folders, signal);
  if (queued > 0) throw new RolloutError('QUEUE_NOT_EMPTY', `${queued} messages wait in ${folders.join(' and ')}`);
}
