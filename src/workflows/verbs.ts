import { ApplicationFailure } from '@temporalio/workflow';

import type { Progress } from './progress.js';
import type { Command } from './status.js';

/** What the rules for operators' verbs look at. */
export type Steerable = Pick<
  Progress,
  'answerable' | 'direction' | 'findings' | 'finished' | 'get' | 'paused' | 'stops'
>;

/**
 * A wrong verb gets a reason instead of an event in history.
 *
 * @throws ApplicationFailure REFUSED with that reason.
 */
export function validate(progress: Steerable, command: Command): void {
  const refuse = (why: string): never => {
    throw ApplicationFailure.nonRetryable(why, 'REFUSED');
  };
  if (progress.finished) refuse('it has ended');
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
    case 'approve': {
      const why = notApprovable(progress, command.finding);
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

/** Why a finding cannot be approved, in words; null when it can. */
function notApprovable({ direction, findings, stops }: Steerable, id: string | undefined): string | null {
  const open = stops.filter(({ approvable }) => approvable).map((one) => one.id);
  const which = open.length === 0 ? 'no finding waits for an approval' : `waiting for an approval: ${open.join(', ')}`;
  if (direction === 'back') return 'it is going back';
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
