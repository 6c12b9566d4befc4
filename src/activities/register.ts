import { RolloutError } from '../cluster/errors.js';
import type { Place } from '../cluster/names.js';
import { PRODUCT_VERSION } from '../cluster/version.js';
import type { Agent } from './agent.js';
import { attempt } from './attempt.js';
import { guarded } from './guarded.js';
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

type Activity = (...args: never[]) => Promise<unknown>;

/**
 * The activities that a worker offers: `<kind>.check|apply|restore` for each resource of its place, `<name>.run` for
 * each procedure, and `agent.*`.
 */
export function activitiesFor(place: Place, agent: Agent): Record<string, Activity> {
  const all: [string, Activity][] = [
    ['agent.hello', () => guarded(agent, () => hello(agent))],
    ['agent.forget', () => guarded(agent, () => agent.vault.forget())],
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
      (step: string, input: unknown) => guardedAttempt(agent, step, input, (context) => procedure.run(input, context)),
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
  const apply = (step: string, desired: unknown): Promise<void> =>
    guardedAttempt(agent, step, desired, async (context) => {
      await resource.apply(desired, context);
      const { changes } = await look(desired, context);
      if (changes.length === 0) return;
      const still = changes.map(({ what, before, after }) => `${what} is ${before}, not ${after}`).join('; ');
      throw new RolloutError('NOT_CONVERGED', `applied, but ${still}`);
    });
  const restore = (step: string, desired: unknown, before: unknown): Promise<readonly string[]> =>
    guardedAttempt(agent, step, desired, async (context) => {
      const kept = await resource.restore(desired, before, context);
      await context.vault.close();
      return kept;
    });
  return [
    [`${kind}.check`, check],
    [`${kind}.apply`, apply],
    [`${kind}.restore`, restore],
  ];
}

function guardedAttempt<T>(
  agent: Agent,
  step: string,
  input: unknown,
  run: (context: Context) => Promise<T>,
): Promise<T> {
  return guarded(agent, () => attempt(agent, step, input, run));
}

async function hello(agent: Agent): Promise<Hello> {
  return {
    version: PRODUCT_VERSION,
    platform: agent.platform.kind,
    clock: Date.now(),
    waysBack: await agent.vault.open(),
  };
}
