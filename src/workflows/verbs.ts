import { ApplicationFailure } from '@temporalio/workflow';

import type { Cutover } from '../cluster/schema.js';
import { stopsOf } from '../cluster/stages.js';
import type { StopGate } from './gate.js';
import type { Progress } from './progress.js';
import type { ServiceStop } from './service-stop.js';
import type { Command } from './status.js';

/** What the rules for operators' verbs look at. */
export type Steerable = Pick<
  Progress,
  'answerable' | 'direction' | 'findings' | 'finished' | 'get' | 'paused' | 'stops' | 'verified'
>;

/** The stops of the services, for the rules about them. */
export interface Stopping {
  /** The gate that waits now. */
  readonly gate: Pick<StopGate, 'state' | 'blocked'> | undefined;
  /** The stop that is under way. */
  readonly stop: ServiceStop | undefined;
  readonly cutover: Cutover | undefined;
  /** Who may not let it go on, because they started it; undefined where anyone may. */
  readonly notBy?: string;
}

/**
 * A wrong verb gets a reason instead of an event in history.
 *
 * @throws ApplicationFailure REFUSED with that reason.
 */
export function validate(progress: Steerable, command: Command, stopping: Stopping): void {
  const refuse = (why: string): never => {
    throw ApplicationFailure.nonRetryable(why, 'REFUSED');
  };
  if (progress.finished) refuse('it has ended');
  if (letsGoOn(command) && command.by === stopping.notBy) {
    refuse(`${command.by} has started it: with "approvals: somebody-else" another operator lets it go on`);
  }
  switch (command.verb) {
    case 'rollback': {
      if (progress.direction === 'back') refuse('it is going back already');
      const why = notReached(progress, command, stopping);
      if (why !== null) refuse(why);
      return;
    }
    case 'complete':
      refuse('it has not ended: complete ends the time in which a finished rollout can be put back');
      return;
    case 'limits':
      if (stopping.cutover === undefined) refuse('only the copies of a server in production have limits');
      return;
    case 'reject':
      if (stopping.gate === undefined) refuse('no stop of the services waits for approval');
      return;
    case 'cutover': {
      const { when = 'now' } = command;
      if (stopping.gate === undefined && (when !== 'cancel' || stopping.stop === undefined))
        refuse(
          stopping.stop === undefined
            ? 'no stop of the services waits'
            : 'a stop is under way: only cutover cancel fits',
        );
      if (typeof when === 'number' && !(when > 0)) refuse('that is no time');
      if (when === 'now' && stopping.gate?.blocked != null) refuse(stopping.gate.blocked);
      return;
    }
    case 'pause':
      if (progress.paused) refuse('it is paused already');
      return;
    case 'resume':
      if (!progress.paused) refuse('it is not paused');
      return;
    case 'approve': {
      const why = notApprovable(progress, command, stopping);
      if (why !== null) refuse(why);
      return;
    }
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

/** Whether a verb is somebody's word that something may happen: to approve, and to begin a stop without waiting for that. */
function letsGoOn({ verb, when }: Command): boolean {
  return verb === 'approve' || (verb === 'cutover' && when !== 'cancel');
}

/** Why there is no way back to a stage, in words; null when there is. */
function notReached({ verified }: Steerable, { to }: Command, { cutover }: Stopping): string | null {
  if (to === undefined || to === 'start' || verified.includes(to)) return null;
  if (cutover === undefined) return 'this rollout has no stages';
  const own = stopsOf(cutover).map(({ stage }) => stage);
  if (!own.includes(to)) return `with these stages the way back leads to ${own.join(', ')} or start`;
  return `${to} has not been verified: ${verified.length === 0 ? 'no stage has' : `only ${verified.join(', ')}`}`;
}

/** Steps that are held because that list of skipped items is not approved. */
export function heldForSkipped(progress: Pick<Steerable, 'answerable'>, hash: string): string[] {
  return progress
    .answerable(false)
    .filter(({ state }) => state.is === 'held' && state.code === 'SKIPPED_UNAPPROVED' && state.why.includes(hash))
    .map(({ id }) => id);
}

/** Why something cannot be approved, in words; null when it can. */
function notApprovable(progress: Steerable, { finding, skipped }: Command, { gate }: Stopping): string | null {
  if (progress.direction === 'back') return 'it is going back';
  if (skipped !== undefined) {
    const lists = gate?.state().skipped ?? [];
    if (lists.some(({ hash }) => hash === skipped) || heldForSkipped(progress, skipped).length > 0) return null;
    const open = lists.map(({ hash }) => hash);
    return `no list of skipped items with that hash waits${open.length === 0 ? '' : `: ${open.join(', ')}`}`;
  }
  // of several things that may be meant, the one that waits
  if (finding === undefined && gate !== undefined) return gate.blocked;
  return notApprovableFinding(progress, finding);
}

function notApprovableFinding({ findings, stops }: Steerable, id: string | undefined): string | null {
  const open = stops.filter(({ approvable }) => approvable).map((one) => one.id);
  const which = open.length === 0 ? 'no finding waits for an approval' : `waiting for an approval: ${open.join(', ')}`;
  if (id === undefined) return `name the finding; ${which}`;
  const stop = stops.find((one) => one.id === id);
  if (stop?.approvable === true) return null;
  if (stop !== undefined) return `${id} cannot be approved: mend it, then retry`;
  const known = findings.find((one) => one.id === id);
  if (known === undefined) return `there is no finding ${id}; ${which}`;
  return known.severity === 'stops'
    ? `${id} is approved already`
    : `${id} does not stop the rollout: nothing to approve`;
}

/** Steps that an answer may be meant for: held ones; on the way back also those whose machine is away. */
export function targets(progress: Steerable, { step, verb }: Command): string[] {
  return progress
    .answerable(verb === 'skip' && progress.direction === 'back')
    .map(({ id }) => id)
    .filter((id) => step === undefined || id === step);
}
