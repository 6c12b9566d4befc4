import { ApplicationFailure } from '@temporalio/workflow';

import type { Progress } from './progress.js';
import type { Command } from './status.js';

/** What the rules for operators' verbs look at. */
export type Steerable = Pick<Progress, 'answerable' | 'direction' | 'finished' | 'get' | 'paused'>;

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
export function targets(progress: Steerable, { step, verb }: Command): string[] {
  return progress
    .answerable(verb === 'skip' && progress.direction === 'back')
    .map(({ id }) => id)
    .filter((id) => step === undefined || id === step);
}
