import { cancellationSignal } from '@temporalio/activity';

import { RolloutError } from '../cluster/errors.js';
import type { Place } from '../cluster/names.js';
import type { Stage } from '../cluster/stages.js';
import { PRODUCT_VERSION } from '../cluster/version.js';
import type { Agent } from './agent.js';
import { attempt } from './attempt.js';
import { guarded } from './guarded.js';
import { inStop, readLease, type Alone } from './lease-record.js';
import { byKind, putBack } from './put-back.js';
import { procedures } from './registry.js';
import type { Check, Context, Procedure, Resource } from './resource.js';
import { changing, type Direction } from './turnstile.js';

/** What an agent says of itself. */
export interface Hello {
  readonly version: string;
  readonly platform: string;
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly clock: number;
  /** Steps of an earlier rollout whose originals this machine still keeps. */
  readonly waysBack: readonly string[];
  /** A stop that was put back without the rollout, and whose end nobody has acknowledged yet. */
  readonly alone?: Alone & { readonly id: string; readonly stage: Stage; readonly ended: boolean };
}

type Activity = (...args: never[]) => Promise<unknown>;

/**
 * The activities that a worker offers: `<kind>.check|apply|restore` for each resource of its place, `<name>.run` for
 * each procedure, and `agent.*`.
 */
export function activitiesFor(place: Place, agent: Agent): Record<string, Activity> {
  const all: [string, Activity][] = [
    ['agent.hello', () => guarded(agent, () => hello(agent))],
    ['agent.forget', () => guarded(agent, () => forget(agent))],
  ];
  for (const [kind, resource] of Object.entries(byKind)) {
    if (resource.place === place) all.push(...resourceActivities(agent, kind, resource));
  }
  for (const [name, procedure] of Object.entries(
    procedures as unknown as Record<string, Procedure<unknown, unknown>>,
  )) {
    if (procedure.place !== place) continue;
    all.push([
      `${name}.run`,
      (step: string, input: unknown) =>
        guardedAttempt(agent, step, input, (context) => procedure.run(input, context), procedure.changes),
    ]);
  }
  return Object.fromEntries(all);
}

function resourceActivities(agent: Agent, kind: string, resource: Resource<unknown, unknown>): [string, Activity][] {
  const look = async (desired: unknown, context: Context): Promise<Check> => {
    const before = await resource.observe(desired, context);
    return { before, changes: resource.diff(desired, before) };
  };
  const check = (step: string, desired: unknown): Promise<Check> =>
    guardedAttempt(agent, step, desired, (context) => look(desired, context));
  const applied = async (desired: unknown, context: Context): Promise<void> => {
    await resource.apply(desired, context);
    const { changes } = await look(desired, context);
    if (changes.length === 0) return;
    const still = changes.map(({ what, before, after }) => `${what} is ${before}, not ${after}`).join('; ');
    throw new RolloutError('NOT_CONVERGED', `applied, but ${still}`);
  };
  const apply = (step: string, desired: unknown): Promise<void> =>
    guardedAttempt(agent, step, desired, (context) => applied(desired, context), 'forward');
  const restore = (step: string, desired: unknown, before: unknown): Promise<readonly string[]> =>
    guardedAttempt(agent, step, desired, (context) => putBack(resource, desired, before, context), 'back');
  return [
    [`${kind}.check`, check],
    [`${kind}.apply`, apply],
    [`${kind}.restore`, restore],
  ];
}

/** @param changes where it changes something, which way. */
function guardedAttempt<T>(
  agent: Agent,
  step: string,
  input: unknown,
  run: (context: Context) => Promise<T>,
  changes?: Direction,
): Promise<T> {
  return guarded(agent, () => {
    const signal = cancellationSignal();
    if (changes === undefined) return attempt(agent, step, input, signal, run);
    return changing<T>(agent, changes, signal, (enter) =>
      attempt(agent, step, input, signal, (context) =>
        enter(context.signal, (inside) => run({ ...context, signal: inside })),
      ),
    );
  });
}

async function hello(agent: Agent): Promise<Hello> {
  const lease = await readLease(agent);
  return {
    version: PRODUCT_VERSION,
    platform: agent.platform.kind,
    clock: Date.now(),
    waysBack: await agent.vault.open(),
    ...(lease?.alone === undefined
      ? {}
      : { alone: { ...lease.alone, id: lease.id, stage: lease.stage, ended: lease.state === 'acted' } }),
  };
}

/** @throws RolloutError LEASE_OTHER while a stop is not over: these originals are its way back. */
async function forget(agent: Agent): Promise<void> {
  const lease = await readLease(agent);
  if (lease !== null && lease.state !== 'acted') throw inStop(lease);
  await agent.vault.forget();
}
