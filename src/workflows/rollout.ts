import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  patched,
  setHandler,
} from '@temporalio/workflow';

import { everyMachine, firstNode, machineOf, machinesOf } from '../cluster/names.js';
import type { ClusterFile } from '../cluster/schema.js';
import { stopsOf, type Stage } from '../cluster/stages.js';
import { compatible } from '../cluster/version.js';
import { ActingRunner } from './acting-runner.js';
import { failure } from './calls.js';
import { guide } from './guide.js';
import { probeNodeBack } from './guide/probes.js';
import { obey } from './obey.js';
import { Progress } from './progress.js';
import { adoptSignal, commandUpdate, statusQuery, undoQuery, type Command } from './status.js';
import { verbOf, wayBackOf, type RolloutInput, type RolloutResult } from './rollout-input.js';
import { validate } from './verbs.js';
import type { Served } from './way-back.js';

/** The one workflow behind every changing verb. Its id is the cluster's lock. */
export async function rollout(input: RolloutInput): Promise<RolloutResult> {
  const { cluster, by } = input;
  const progress = new Progress(cluster.name, verbOf(input), by, input.plan);
  const runner = new ActingRunner(progress, wayBackOf(input));
  const on = machinesOf(cluster);
  /** The node that moves, where it is one in production. */
  const moved = cluster.cutover === undefined ? undefined : machineOf(on, firstNode(cluster));
  const forward = new CancellationScope();
  let turnedBack = input.undo !== undefined;
  let { to } = input;
  if (turnedBack) progress.turnBack();
  if (cluster.cutover !== undefined) progress.expect(stopsOf(cluster.cutover));

  setHandler(statusQuery, () => progress.status(runner.undo.length));
  setHandler(undoQuery, () => runner.undo);
  setHandler(adoptSignal, (undo) => {
    runner.adopt(undo);
  });
  const turnBack = (stage: Stage | undefined): void => {
    turnedBack = true;
    to = stage;
    progress.turnBack();
    forward.cancel();
  };
  setHandler(commandUpdate, (command) => obey(command, { cluster, progress, runner, turnBack }), {
    validator: (command: Command) => {
      const notBy = cluster.approvals === 'somebody-else' ? { notBy: by } : {};
      validate(progress, command, { gate: runner.gate, stop: runner.stop, cutover: cluster.cutover, ...notBy });
    },
  });

  let cancelled: Error | undefined;
  try {
    if (input.complete === true) await forward.run(() => completed(runner, cluster));
    else if (input.undo === undefined) {
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
  if (wentBack) await runner.goBack(servedAgain(runner, cluster), to, moved);
  progress.finished = true;
  progress.enter(wentBack ? 'rolled back' : 'finished');
  // whatever was cancelled from outside meanwhile: the answer to the last verb and the result are still told
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  if (cancelled !== undefined && !turnedBack) throw cancelled; // from outside: went back, and is shown as cancelled
  const { steps, kept } = progress.status(runner.undo.length);
  return {
    outcome: turnedBack ? 'rolled back' : input.complete === true ? 'completed' : 'done',
    done: steps.filter(({ state }) => state.is === 'done').length,
    skipped: steps.filter(({ state }) => state.is === 'skipped').map(({ id }) => id),
    kept,
    undo: runner.undo,
  };
}

/** What serves at the end of the way back; a server that users are on is probed, still closed, before they return to it. */
function servedAgain(runner: ActingRunner, file: ClusterFile): Served {
  const on = machinesOf(file);
  const served = { nodes: on.nodes, directory: file.icewarp.directory };
  // a rollout of an earlier release went back without
  if (file.cutover === undefined || !patched('closed-probes-on-the-way-back')) return served;
  return { ...served, beforeOpening: () => probeNodeBack(runner, { file, on }, firstNode(file)) };
}

/** Nothing begins beside originals of an earlier rollout that nobody has decided about (design, contract 1). */
async function settleWaysBack(runner: ActingRunner, { cluster, version, waysBack }: RolloutInput): Promise<void> {
  await runner.each(everyMachine(machinesOf(cluster)), async (machine) => {
    const hello = await runner.greet(machine);
    if (!compatible(hello.version, version)) {
      throw failure(
        'AGENT_VERSION',
        `the agent on ${machine.name} is version ${hello.version}, this rollout ${version}`,
      );
    }
    await runner.acknowledge(machine, hello);
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

/** The operator is content: every machine gives up its originals. Nothing of the old side is deleted (procedure, rule 16). */
async function completed(runner: ActingRunner, cluster: ClusterFile): Promise<void> {
  runner.phase('Way back given up');
  await runner.each(everyMachine(machinesOf(cluster)), async (machine) => {
    await runner.greet(machine);
    await runner.forget(machine);
  });
}
