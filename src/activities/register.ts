import { ApplicationFailure, activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';

import { RolloutError } from '../cluster/errors.js';
import type { Place } from '../cluster/names.js';
import { PRODUCT_VERSION } from '../cluster/version.js';
import type { Agent } from './agent.js';
import { procedures, resources } from './registry.js';
import type { Check, Context, Procedure, Resource } from './resource.js';

/** What an agent says of itself. */
export interface Hello {
  readonly version: string;
  readonly platform: string;
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly clock: number;
  /** Steps of an earlier rollout whose originals this machine still keeps. */
  readonly waysBack: readonly string[];
}

/** Milliseconds between heartbeats: it bounds how late a cancellation is noticed (temporal.md, fact 3). */
const PULSE = 2_000;

type Activity = (...args: never[]) => Promise<unknown>;

/**
 * The activities that a worker offers: `<kind>.check|apply|restore` for each resource of its place, `<name>.run` for
 * each procedure, and `agent.*`.
 */
export function activitiesFor(place: Place, agent: Agent): Record<string, Activity> {
  const all: [string, Activity][] = [
    ['agent.hello', guarded(agent, () => hello(agent))],
    ['agent.forget', guarded(agent, () => agent.vault.forget())],
  ];
  for (const [kind, resource] of Object.entries(resources as unknown as Record<string, Resource<unknown, unknown>>)) {
    if (resource.place === place) all.push(...resourceActivities(agent, kind, resource));
  }
  for (const [name, procedure] of Object.entries(
    procedures as unknown as Record<string, Procedure<unknown, unknown>>,
  )) {
    if (procedure.place !== place) continue;
    all.push([
      `${name}.run`,
      guarded(agent, (step: string, input: unknown) => procedure.run(input, contextOf(agent, step))),
    ]);
  }
  return Object.fromEntries(all);
}

function resourceActivities(agent: Agent, kind: string, resource: Resource<unknown, unknown>): [string, Activity][] {
  const check = async (step: string, desired: unknown): Promise<Check> => {
    const before = await resource.observe(desired, contextOf(agent, step));
    return { before, changes: resource.diff(desired, before) };
  };
  const apply = async (step: string, desired: unknown): Promise<void> => {
    await resource.apply(desired, contextOf(agent, step));
    const { changes } = await check(step, desired);
    if (changes.length === 0) return;
    const still = changes.map(({ what, before, after }) => `${what} is ${before}, not ${after}`).join('; ');
    throw new RolloutError('NOT_CONVERGED', `applied, but ${still}`);
  };
  const restore = async (step: string, desired: unknown, before: unknown): Promise<readonly string[]> => {
    const context = contextOf(agent, step);
    const kept = await resource.restore(desired, before, context);
    await context.vault.close();
    return kept;
  };
  return [
    [`${kind}.check`, guarded(agent, check)],
    [`${kind}.apply`, guarded(agent, apply)],
    [`${kind}.restore`, guarded(agent, restore)],
  ];
}

function contextOf(agent: Agent, step: string): Context {
  return { signal: cancellationSignal(), agent, vault: agent.vault.slot(step) };
}

async function hello(agent: Agent): Promise<Hello> {
  return {
    version: PRODUCT_VERSION,
    platform: agent.platform.kind,
    clock: Date.now(),
    waysBack: await agent.vault.open(),
  };
}

/**
 * The one wrapper around every activity: it keeps the heartbeat going and lets only our own words through. A foreign
 * error carries command lines, SQL and passwords; it goes, redacted, to the local log.
 */
function guarded<A extends unknown[], T>(agent: Agent, run: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  return async (...args) => {
    const signal = cancellationSignal();
    const pulse = setInterval(() => {
      heartbeat();
    }, PULSE);
    try {
      return await inTurn(`${agent.machine} ${String(args[0])}`, signal, () => run(...args));
    } catch (error) {
      cancellationSignal().throwIfAborted();
      const { activityType, attempt } = activityInfo();
      agent.log('activity failed', { activityType, attempt, error });
      throw toFailure(agent, error);
    } finally {
      clearInterval(pulse);
    }
  };
}

/** The latest attempt of each step in this process. */
const attempts = new Map<string, Promise<unknown>>();

/**
 * Lets an attempt begin only when the one before it has ended: after a lost heartbeat the server starts the next one
 * while the first may still be at work on this machine.
 */
async function inTurn<T>(step: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  const before = attempts.get(step);
  const mine = (async () => {
    await before?.catch(() => undefined);
    signal.throwIfAborted();
    return run();
  })();
  attempts.set(step, mine);
  try {
    return await mine;
  } finally {
    if (attempts.get(step) === mine) attempts.delete(step);
  }
}

function toFailure(agent: Agent, error: unknown): ApplicationFailure {
  const own = error instanceof RolloutError ? error : new RolloutError('UNEXPECTED', 'an unexpected error');
  const failure = ApplicationFailure.create({
    type: own.code,
    message: agent.secrets.redact(own.message),
    nonRetryable: !own.retryable,
    details: [{ next: own.next }],
  });
  // The stack names files of this machine and, in its first line, the message again.
  failure.stack = '';
  return failure;
}
