import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';

import type { Agent } from './agent.js';
import { copyShard, cutForCopy, limitTree, reverseTree, verifyTree, type TreeContext } from './copy-shard.js';
import { guarded } from './guarded.js';
import { inTurn } from './in-turn.js';
import type { Tree, TreeBeat } from './tree.js';
import { changing } from './turnstile.js';

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

/** Heartbeats with the latest counters, one attempt after the other. */
function beating<I extends { readonly tree: Tree }, T>(
  agent: Agent,
  engine: TreeContext['engine'],
  run: (input: I, context: TreeContext) => Promise<T>,
): (input: I) => Promise<T> {
  return async (input) => {
    const { activityType } = activityInfo();
    const told = activityInfo().heartbeatDetails as TreeBeat | undefined;
    const signal = cancellationSignal();
    // what an earlier attempt told is better than nothing, which would look like no heartbeat at all
    let beat: TreeBeat = told ?? { phase: 'start', files: 0, bytes: 0 };
    const context: TreeContext = {
      stateDir: agent.config.stateDir,
      signal,
      tell: (next) => (beat = next),
      ...(engine === undefined ? {} : { engine }),
    };
    const turn = `${activityType} ${input.tree.name}`;
    const work = (): Promise<T> =>
      changing<T>(agent, 'forward', signal, (enter) =>
        inTurn(turn, signal, () => enter(signal, (inside) => run(input, { ...context, signal: inside }))),
      );
    try {
      return await guarded(agent, work, () => beat);
    } finally {
      heartbeat(beat);
    }
  };
}
