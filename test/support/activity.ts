import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

import type { Agent } from '../../src/activities/agent.js';
import { activitiesFor } from '../../src/activities/register.js';
import type { Place } from '../../src/cluster/names.js';

/** Runs one activity of a worker by its name: through the wrapper around each of them. */
export async function runActivity(place: Place, agent: Agent, name: string, ...args: unknown[]): Promise<unknown> {
  const activity = activitiesFor(place, agent)[name];
  if (activity === undefined) throw new TypeError(`no activity ${name}`);
  return asActivity(activity, ...args);
}

/** Runs an activity as a worker would, with a heartbeat and its failures. */
export function asActivity(activity: (...args: never[]) => Promise<unknown>, ...args: unknown[]): Promise<unknown> {
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  return environment.run(activity as (...args: unknown[]) => Promise<unknown>, ...args);
}
