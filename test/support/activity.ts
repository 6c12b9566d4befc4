import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

import type { Agent } from '../../src/activities/agent.js';
import { activitiesFor } from '../../src/activities/register.js';
import type { Place } from '../../src/cluster/names.js';

/** Runs one activity as a worker would: through the wrapper around each of them, with a heartbeat and its failures. */
export async function runActivity(place: Place, agent: Agent, name: string, ...args: unknown[]): Promise<unknown> {
  const activity = activitiesFor(place, agent)[name] as ((...args: unknown[]) => Promise<unknown>) | undefined;
  if (activity === undefined) throw new TypeError(`no activity ${name}`);
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(activity, ...args);
}
