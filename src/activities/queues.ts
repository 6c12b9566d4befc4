import { join, resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { ensureStarted } from '../icewarp/control.js';
import { readPathDat } from '../icewarp/layout.js';
import { QUEUES } from '../icewarp/mail-tree.js';
import { LINE, lineOf } from '../icewarp/path-dat.js';
import { Tool } from '../icewarp/tool.js';
import { SETTINGS } from '../icewarp/variables.js';
import { sizeOfTree, treeRoot } from '../platform/tree.js';
import type { Context } from './resource.js';
import { readMarker, stopForChange } from './restart-marker.js';

/** The lines of path.dat that say where queues are. */
export const QUEUE_LINES = [LINE.outgoing, LINE.retry, LINE.incoming] as const;

/** Whether a path below the mail folder is a queue: never copied, mail that waits would be sent twice (rule 3). */
export function isQueue(path: Buffer): boolean {
  return QUEUES.some((name) => path.equals(Buffer.from(name)));
}

/** The mail folder in force; empty where IceWarp names none. */
export async function mailInForce(directory: string, signal: AbortSignal): Promise<string> {
  const setting = (await new Tool(directory, signal).find(SETTINGS.mailPath.variable)) ?? '';
  return setting === '' ? '' : resolve(directory, setting);
}

/**
 * Files in the queues in force: those that path.dat names, and those below the mail folder.
 *
 * @param mail The mail folder in force; empty: only the queues that path.dat names.
 */
export async function countQueued(directory: string, mail: string, signal: AbortSignal): Promise<number> {
  const lines = await readPathDat(directory);
  const named = QUEUE_LINES.map((number) => lineOf(lines, number)).filter((folder) => folder !== '');
  const below = mail === '' ? [] : QUEUES.map((name) => join(mail, name));
  const folders = new Set([...below, ...named].map((folder) => resolve(directory, folder)));
  let count = 0;
  for (const folder of folders) {
    const nested = [...folders].some((other) => folder.startsWith(`${other}/`));
    if (!nested) count += (await sizeOfTree(treeRoot(folder), { signal })).files;
  }
  return count;
}

/**
 * Stands before every change of the queues in force: what waits there would never be delivered.
 *
 * @throws RolloutError QUEUE_NOT_EMPTY.
 */
export async function refuseQueued(directory: string, mail: string, signal: AbortSignal): Promise<void> {
  const queued = await countQueued(directory, mail, signal);
  if (queued > 0) throw new RolloutError('QUEUE_NOT_EMPTY', `${queued} messages wait in the queues of ${directory}`);
}

/**
 * Stops the services for a change of the queues in force. It looks before, while they can still empty themselves, and
 * once more when nothing comes in any longer.
 *
 * @throws RolloutError QUEUE_NOT_EMPTY, with what served running again: only running services empty a queue.
 */
export async function stopWithQueuesEmpty(directory: string, mail: string, context: Context): Promise<void> {
  try {
    await refuseQueued(directory, mail, context.signal);
    await stopForChange(directory, context);
    await refuseQueued(directory, mail, context.signal);
  } catch (error) {
    const refused = error instanceof RolloutError && error.code === 'QUEUE_NOT_EMPTY';
    // The durable note, not what ran a moment ago: an attempt that was killed may have stopped them.
    if (refused && (await readMarker(context.agent)).stopped.length > 0) await ensureStarted(directory, context.signal);
    throw error;
  }
}
