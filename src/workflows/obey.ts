import { firstNode, machineOf, machinesOf } from '../cluster/names.js';
import type { ClusterFile } from '../cluster/schema.js';
import type { Stage } from '../cluster/stages.js';
import { TREES } from '../icewarp/mail-tree.js';
import type { Limits } from '../transfer/types.js';
import type { ActingRunner } from './acting-runner.js';
import type { Progress } from './progress.js';
import type { Command } from './status.js';
import { treeCalls } from './tree-calls.js';
import { heldForSkipped, targets } from './verbs.js';

/** What an operator's verb acts on. */
export interface Steered {
  readonly cluster: ClusterFile;
  readonly progress: Progress;
  readonly runner: ActingRunner;
  /** Gives the way forward up. */
  readonly turnBack: (to: Stage | undefined) => void;
}

/** Does what an operator asks for, which {@link validate} has let through. @returns words for the operator. */
export async function obey(command: Command, steered: Steered): Promise<string> {
  const { progress, runner, cluster } = steered;
  progress.acted(command.by, spoken(command));
  switch (command.verb) {
    case 'pause':
    case 'resume':
      progress.paused = command.verb === 'pause';
      return command.verb === 'pause' ? 'paused after the steps now running' : 'goes on';
    case 'rollback': {
      const to = command.to === 'start' ? undefined : (command.to ?? progress.verified.at(-1));
      steered.turnBack(to);
      return to === undefined ? 'going back' : `going back to the state after ${to}`;
    }
    case 'approve':
      return approve(command, steered);
    case 'reject':
      return runner.gate?.reject(command.why ?? 'no reason given') ?? 'nothing waits';
    case 'cutover':
      return cutover(command, runner);
    case 'limits':
      return limit(cluster, command.limits ?? {});
    case 'retry':
    case 'skip': {
      const answer = command.verb;
      const ids = targets(progress, command);
      for (const id of ids) runner.answer(id, answer);
      return `${answer}: ${ids.join(', ')}`;
    }
    case 'complete':
      return 'it has not ended';
  }
}

function approve({ finding, skipped, by }: Command, { progress, runner }: Steered): string {
  if (skipped !== undefined) {
    progress.approveSkipped(skipped);
    for (const id of heldForSkipped(progress, skipped)) runner.answer(id, 'retry');
    return `approved: the items of the list ${skipped.slice(0, 12)} stay behind`;
  }
  if (finding === undefined) return runner.gate?.approve() ?? 'nothing waits for approval';
  progress.approve(finding, by);
  // it looks again: what was approved is only then what is there
  for (const { id: step, state } of progress.answerable(false)) {
    if (state.is === 'held' && state.code === 'PREFLIGHT_STOPS') runner.answer(step, 'retry');
  }
  const left = progress.stops.map((one) => one.id);
  return `approved: ${finding}${left.length === 0 ? '' : `; still in the way: ${left.join(', ')}`}`;
}

function cutover({ when = 'now', by }: Command, { gate, stop }: ActingRunner): string {
  if (when === 'cancel' && stop !== undefined) {
    stop.giveUp(`${by} cancelled it`);
    return 'going back to before the stop';
  }
  if (gate === undefined) return 'no stop of the services waits';
  if (when === 'cancel') return gate.cancel();
  return when === 'now' ? gate.now() : gate.at(when);
}

/** The limits of every tree that moves: those that run take them up by themselves. */
async function limit(cluster: ClusterFile, limits: Limits): Promise<string> {
  const { name } = machineOf(machinesOf(cluster), firstNode(cluster));
  const calls = treeCalls(cluster.name, name);
  for (const tree of TREES) {
    await calls.limit({ tree: { name: tree, source: '', destination: '' }, limits });
  }
  const { bytes, files } = limits;
  const words = [
    ...(bytes === undefined ? [] : [`${bytes} bytes/s`]),
    ...(files === undefined ? [] : [`${files} files/s`]),
  ];
  return words.length === 0 ? 'copies run as fast as they can' : `copies run at most at ${words.join(' and ')}`;
}

/** The command as the record names it. */
function spoken({ verb, step, finding, skipped, why, when, to }: Command): string {
  const time = typeof when === 'number' ? new Date(when).toISOString() : when;
  return [verb, step, finding, skipped, time, to, why].filter((word) => word !== undefined).join(' ');
}
