import { RolloutError } from '../cluster/errors.js';
import type { Agent } from './agent.js';
import { attempt } from './attempt.js';
import type { LeaseUndo } from './lease-record.js';
import { resources } from './registry.js';
import type { Context, Resource } from './resource.js';
import { settleServices } from './settle-services.js';

/** Every resource by its kind, as what is only known by a name of it. */
export const byKind = resources as unknown as Readonly<Record<string, Resource<unknown, unknown>>>;

/** Puts one thing back, and gives up its original. @returns what was left in place, and why. */
export async function putBack(
  resource: Resource<unknown, unknown>,
  desired: unknown,
  before: unknown,
  context: Context,
): Promise<readonly string[]> {
  const kept = await resource.restore(desired, before, context);
  await context.vault.close();
  return kept;
}

/** The way back of one stop on this machine, without a rollout: all its steps, then the services that served. */
export interface StopUndo {
  readonly directory: string;
  /** Newest first. */
  readonly undo: readonly LeaseUndo[];
}

/**
 * Puts back the steps of a stop from the one at `from` on, and starts what served: before clients are let in again, as
 * far as they were kept out. May be killed anywhere and run again.
 *
 * @param tell is told, and waited for, after each step: how many are done, and what was left in place of this one.
 * @throws what a restore fails with; the steps before it stay put back.
 */
export async function putStopBack(
  agent: Agent,
  { directory, undo }: StopUndo,
  from: number,
  signal: AbortSignal,
  tell: (done: number, kept: readonly string[]) => Promise<void>,
): Promise<void> {
  const settle = async (): Promise<void> => {
    agent.log('services as before');
    const run = (context: Context): Promise<unknown> => settleServices.run({ directory }, context);
    await attempt(agent, `${agent.machine}/settleServices`, { directory }, signal, run);
  };
  for (const [index, { kind, step, title, desired, before }] of undo.entries()) {
    if (index < from) continue;
    const resource = byKind[kind];
    if (resource?.place !== 'node') throw new RolloutError('UNEXPECTED', `a node knows nothing of "${kind}"`);
    if (kind === 'ports') await settle();
    agent.log('putting back', { step, title });
    const kept = await attempt(agent, step, desired, signal, (context) => putBack(resource, desired, before, context));
    await tell(index + 1, kept);
  }
  await settle();
}
