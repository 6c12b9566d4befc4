import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  setHandler,
  ApplicationFailure,
} from '@temporalio/workflow';

import { ERRORS } from '../cluster/errors.js';
import { machinesOf, type Machine } from '../cluster/names.js';
import type { ClusterFile } from '../cluster/schema.js';
import { compatible } from '../cluster/version.js';
import { ActingRunner } from './acting-runner.js';
import { call } from './calls.js';
import { guide } from './guide.js';
import { Progress } from './progress.js';
import { commandUpdate, statusQuery, undoQuery, type Command, type Undo } from './status.js';

export interface RolloutInput {
  readonly cluster: ClusterFile;
  /** Who started it. */
  readonly by: string;
  /** Version of the product that started it. */
  readonly version: string;
  /** What to do with originals that an earlier rollout left: keep them as the way back, or give them up. */
  readonly waysBack?: 'adopt' | 'forget';
  /** What an earlier rollout did and nobody has put back: stays undoable by this one (start --adopt). */
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

/** The one workflow behind every changing verb. Its id is the cluster's lock. */
export async function rollout(input: RolloutInput): Promise<RolloutResult> {
  const { cluster, by } = input;
  const progress = new Progress(cluster.name, input.undo === undefined ? 'start' : 'rollback', by);
  const runner = new ActingRunner(progress, input.undo ?? input.adopted ?? []);
  const forward = new CancellationScope();
  let turnedBack = input.undo !== undefined;

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
          progress.direction = 'back';
          forward.cancel();
          return Promise.resolve('going back');
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
  if (turnedBack || cancelled !== undefined) await runner.goBack(machinesOf(cluster).nodes, cluster.icewarp.directory);
  if (cancelled !== undefined && !turnedBack) throw cancelled; // from outside: went back, and is shown as cancelled
  progress.finished = true;
  progress.enter(turnedBack ? 'rolled back' : 'finished');
  await condition(allHandlersFinished);
  const { steps, kept } = progress.status(runner.undo.length);
  return {
    outcome: turnedBack ? 'rolled back' : 'done',
    done: steps.filter(({ state }) => state.is === 'done').length,
    skipped: steps.filter(({ state }) => state.is === 'skipped').map(({ id }) => id),
    kept,
    undo: runner.undo,
  };
}

/** A wrong verb gets a reason instead of an event in history. */
function validate(progress: Progress, command: Command): void {
  const refuse = (why: string): never => {
    throw ApplicationFailure.nonRetryable(why, 'REFUSED');
  };
  switch (command.verb) {
    case 'rollback':
      if (progress.direction === 'back') refuse('it is going back already');
      return;
    case 'pause':
      if (progress.paused) refuse('it is paused already');
      return;
    case 'resume':
      if (!progress.paused) refuse('it is not paused');
      return;
    case 'retry':
    case 'skip': {
      const ids = targets(progress, command);
      if (ids.length === 0) refuse(command.step === undefined ? 'no step is held' : `${command.step} is not held`);
      if (command.verb === 'retry') return;
      if (command.step === undefined && ids.length > 1) refuse(`several steps are held, name one: ${ids.join(', ')}`);
      const state = progress.get(ids[0] ?? '')?.state;
      if (state?.is === 'held' && !state.skippable)
        refuse(`${ids[0] ?? ''} cannot be skipped safely: retry or rollback`);
      return;
    }
  }
}

/** Steps that an answer may be meant for: held ones; on the way back also those whose machine is away. */
function targets(progress: Progress, { step, verb }: Command): string[] {
  return progress
    .answerable(verb === 'skip' && progress.direction === 'back')
    .map(({ id }) => id)
    .filter((id) => step === undefined || id === step);
}

/** Nothing begins beside originals of an earlier rollout that nobody has decided about (design, contract 1). */
async function settleWaysBack(runner: ActingRunner, { cluster, version, waysBack }: RolloutInput): Promise<void> {
  const { control, share, nodes } = machinesOf(cluster);
  const machines: Machine[] = [control, ...(share === undefined ? [] : [share]), ...nodes];
  await runner.each(machines, async (machine) => {
    const hello = await runner.greet(machine);
    if (!compatible(hello.version, version)) {
      throw fail('AGENT_VERSION', `the agent on ${machine.name} is version ${hello.version}, this rollout ${version}`);
    }
    if (hello.waysBack.length === 0 || waysBack === 'adopt') return;
    if (waysBack === undefined) {
      throw fail(
        'VAULT_OPEN',
        `${machine.name} still keeps the originals of ${hello.waysBack.length} steps of an earlier rollout`,
      );
    }
    await call(machine, 'agent.forget', 'give up the earlier way back', []);
  });
}

function fail(code: keyof typeof ERRORS, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [{ next: ERRORS[code].next }] });
}
