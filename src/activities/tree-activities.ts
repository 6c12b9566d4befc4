import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';

import { RolloutError } from '../cluster/errors.js';
import type { Agent } from './agent.js';
import { copyShard, cutForCopy, limitTree, reverseTree, verifyTree, type TreeContext } from './copy-shard.js';
import { toFailure } from './register.js';
import type { Tree, TreeBeat } from './tree.js';

/** Milliseconds between heartbeats: it bounds how late a cancellation is noticed (temporal.md, fact 3). */
const PULSE = 2_000;

/**
 * What a node's agent offers on its copy queue: `tree.cut`, `tree.copy`, `tree.verify`, `tree.reverse`. Long ones, with
 * counters in their heartbeats; each may be killed anywhere and run again.
 */
export function copyActivities(
  agent: Agent,
  engine: TreeContext['engine'] = {},
): Record<string, (input: never) => Promise<unknown>> {
  return {
    'tree.cut': beating(agent, engine, cutForCopy),
    'tree.copy': beating(agent, engine, copyShard),
    'tree.verify': beating(agent, engine, verifyTree),
    'tree.reverse': beating(agent, engine, reverseTree),
  };
}

/** What belongs to trees and is short: on the node's ordinary queue, because copies may fill the other one. */
export function treeActivities(agent: Agent): Record<string, (input: never) => Promise<unknown>> {
  return { 'tree.limit': beating(agent, {}, limitTree) };
}

/** Heartbeats with the latest counters, one attempt after the other, and only our own words (see `register.ts`). */
function beating<I extends { readonly tree: Tree }, T>(
  agent: Agent,
  engine: TreeContext['engine'],
  run: (input: I, context: TreeContext) => Promise<T>,
): (input: I) => Promise<T> {
  return async (input) => {
    const { activityType, attempt } = activityInfo();
    const told = activityInfo().heartbeatDetails as TreeBeat | undefined;
    const signal = cancellationSignal();
    // what an earlier attempt told is better than nothing, which would look like no heartbeat at all
    let beat: TreeBeat = told ?? { phase: 'start', files: 0, bytes: 0 };
    const pulse = setInterval(() => heartbeat(beat), PULSE);
    const context: TreeContext = {
      stateDir: agent.config.stateDir,
      signal,
      tell: (next) => (beat = next),
      ...(engine === undefined ? {} : { engine }),
    };
    try {
      return await inTurn(`${activityType} ${input.tree.name}`, signal, () => run(input, context));
    } catch (error) {
      // a process that could not be ended may write once more: that is no clean stop
      if (!(error instanceof RolloutError && error.code === 'SHARE_HANGS')) signal.throwIfAborted();
      agent.log('activity failed', { activityType, attempt, error });
      throw toFailure(agent, error);
    } finally {
      heartbeat(beat);
      clearInterval(pulse);
    }
  };
}

/** The latest attempt of each kind of work on each tree in this process. */
const attempts = new Map<string, Promise<unknown>>();

/**
 * Lets an attempt begin only when the one before it has ended: after a lost heartbeat the server starts the next one
 * while the first has not yet heard that it shall stop.
 */
async function inTurn<T>(work: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  const before = attempts.get(work);
  const mine = (async () => {
    await before?.catch(() => undefined);
    signal.throwIfAborted();
    return run();
  })();
  attempts.set(work, mine);
  try {
    return await mine;
  } finally {
    if (attempts.get(work) === mine) attempts.delete(work);
  }
}
