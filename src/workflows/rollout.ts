import { allHandlersFinished, CancellationScope, condition, isCancellation, setHandler } from '@temporalio/workflow';

import { machinesOf, type Machine } from '../cluster/names.js';
import type { ClusterFile } from '../cluster/schema.js';
import { compatible } from '../cluster/version.js';
import { ActingRunner } from './acting-runner.js';
import { failure } from './calls.js';
import { guide } from './guide.js';
import { Progress } from './progress.js';
import { commandUpdate, statusQuery, undoQuery, type Command, type Undo } from './status.js';
import { targets, validate } from './verbs.js';

export interface RolloutInput {
  readonly cluster: ClusterFile;
  /** Who started it. */
  readonly by: string;
  /** Version of the product that started it. */
  readonly version: string;
  /** Hash of the plan that was shown and agreed to. */
  readonly plan?: string;
  /** What to do with originals that an earlier rollout left: keep them as the way back, or give them up. */
  readonly waysBack?: 'adopt' | 'forget';
  /**
   * What an earlier rollout did and nobody has put back: stays undoable by this one with `adopt`. With `forget` it is
   * only kept here, for the case that this run is ended before it has given anything up.
   */
  readonly adopted?: readonly Undo[];
  /** Instead of going forward: put these back (rollback of a rollout that has ended). */
  readonly undo?: readonly Undo[];
}

export interface RolloutResult {
  readonly outcome: 'done' | 'rolled back';
  /** Steps that changed or proved something. */
  readonly done: number;
  readonly skipped: readonly string[];
  readonly kept: readonly string[];
  /** What `rollback` would put back now. */
  readonly undo: readonly Undo[];
}

/** What the run can put back when it begins. */
function wayBackOf({ undo, waysBack, adopted = [] }: RolloutInput): readonly Undo[] {
  return undo ?? (waysBack === 'forget' ? [] : adopted);
}

/** The one workflow behind every changing verb. Its id is the cluster's lock. */
export async function rollout(input: RolloutInput): Promise<RolloutResult> {
  const { cluster, by } = input;
  const progress = new Progress(cluster.name, input.undo === undefined ? 'start' : 'rollback', by, input.plan);
  const runner = new ActingRunner(progress, wayBackOf(input));
  const forward = new CancellationScope();
  let turnedBack = input.undo !== undefined;
  if (turnedBack) progress.turnBack();

  setHandler(statusQuery, () => progress.status(runner.undo.length));
  setHandler(undoQuery, () => runner.undo);
  setHandler(
    commandUpdate,
    (command) => {
      switch (command.verb) {
        case 'pause':
        case 'resume':
          progress.paused = command.verb === 'pause';
          return Promise.resolve(command.verb === 'pause' ? 'paused after the steps now running' : 'goes on');
        case 'rollback':
          turnedBack = true;
          progress.turnBack();
          forward.cancel();
          return Promise.resolve('going back');
        case 'approve': {
          const { finding: id = '', by } = command;
          progress.approve(id, by);
          // it looks again: what was approved is only then what is there
          for (const { id: step, state } of progress.answerable(false)) {
            if (state.is === 'held' && state.code === 'PREFLIGHT_STOPS') runner.answer(step, 'retry');
          }
          const left = progress.stops.map((one) => one.id);
          return Promise.resolve(`approved: ${id}${left.length === 0 ? '' : `; still in the way: ${left.join(', ')}`}`);
        }
        case 'retry':
        case 'skip': {
          const answer = command.verb;
          const ids = targets(progress, command);
          for (const id of ids) runner.answer(id, answer);
          return Promise.resolve(`${answer}: ${ids.join(', ')}`);
        }
      }
    },
    {
      validator: (command: Command) => {
        validate(progress, command);
      },
    },
  );

  let cancelled: Error | undefined;
  try {
    if (input.undo === undefined) {
      await forward.run(async () => {
        runner.phase('Agents');
        await settleWaysBack(runner, input);
        await guide(runner, cluster);
      });
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    cancelled = error as Error;
  }
  // a verb that came when the way forward had just ended still means going back
  const wentBack = turnedBack || cancelled !== undefined;
  if (wentBack) await runner.goBack(machinesOf(cluster).nodes, cluster.icewarp.directory);
  progress.finished = true;
  progress.enter(wentBack ? 'rolled back' : 'finished');
  // whatever was cancelled from outside meanwhile: the answer to the last verb and the result are still told
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  if (cancelled !== undefined && !turnedBack) throw cancelled; // from outside: went back, and is shown as cancelled
  const { steps, kept } = progress.status(runner.undo.length);
  return {
    outcome: turnedBack ? 'rolled back' : 'done',
    done: steps.filter(({ state }) => state.is === 'done').length,
    skipped: steps.filter(({ state }) => state.is === 'skipped').map(({ id }) => id),
    kept,
    undo: runner.undo,
  };
}

/** Nothing begins beside originals of an earlier rollout that nobody has decided about (design, contract 1). */
async function settleWaysBack(runner: ActingRunner, { cluster, version, waysBack }: RolloutInput): Promise<void> {
  const { control, share, nodes } = machinesOf(cluster);
  const machines: Machine[] = [control, ...(share === undefined ? [] : [share]), ...nodes];
  await runner.each(machines, async (machine) => {
    const hello = await runner.greet(machine);
    if (!compatible(hello.version, version)) {
      throw failure(
        'AGENT_VERSION',
        `the agent on ${machine.name} is version ${hello.version}, this rollout ${version}`,
      );
    }
    if (hello.waysBack.length === 0 || waysBack === 'adopt') return;
    if (waysBack === undefined) {
      throw failure(
        'VAULT_OPEN',
        `${machine.name} still keeps the originals of ${hello.waysBack.length} steps of an earlier rollout`,
      );
    }
    await runner.forget(machine);
  });
}
