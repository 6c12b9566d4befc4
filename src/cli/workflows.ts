import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
} from '@temporalio/client';

import { RolloutError } from '../cluster/errors.js';
import { queueOf, rolloutIdOf } from '../cluster/names.js';
import type { ClusterFile } from '../cluster/schema.js';
import { PRODUCT_VERSION } from '../cluster/version.js';
import type { PlanInput } from '../workflows/plan.js';
import type { Plan } from '../workflows/planner.js';
import type { RolloutInput } from '../workflows/rollout-input.js';
import type { rollout } from '../workflows/rollout.js';
import { undoQuery, type MemoStatus, type Undo } from '../workflows/status.js';
import { within } from './connect.js';
import { PATIENCE, patiently, sayingThatItWaits } from './patience.js';

/** Milliseconds between looks at a workflow that nobody has picked up yet. */
const LOOK = 200;
/** Milliseconds after which a long plan says that it is still at work. */
const STILL_LOOKING = 60_000;

/** Runs the plan workflow and waits for it. @throws RolloutError NO_CONTROL_WORKER when nobody picks it up. */
export async function runPlan(
  client: Client,
  cluster: ClusterFile,
  options: { prove?: boolean; only?: 'preflight' } = {},
): Promise<Plan> {
  const { prove = false, only } = options;
  const what = prove ? 'verify' : only === undefined ? 'plan' : 'doctor';
  const input: PlanInput = {
    cluster,
    version: PRODUCT_VERSION,
    ...(prove ? { prove } : {}),
    ...(only === undefined ? {} : { only }),
  };
  const handle = await within(client, () =>
    client.workflow.start('plan', {
      workflowId: `${rolloutIdOf(cluster.name)}.${what}-${randomUUID().slice(0, 8)}`,
      taskQueue: queueOf(cluster.name, 'control'),
      args: [input],
      staticSummary: `${what} ${cluster.name}: changes nothing`,
      workflowExecutionTimeout: '30m',
    }),
  );
  if (!(await pickedUp(client, handle))) {
    await within(client, () => handle.terminate('no control worker'));
    throw new RolloutError('NO_CONTROL_WORKER', `no control worker has taken the work within ${PATIENCE / 1000} s`);
  }
  const patience = setInterval(() => {
    process.stderr.write('still looking at the machines; if this goes on: does the control worker run?\n');
  }, STILL_LOOKING);
  try {
    return (await handle.result()) as Plan;
  } finally {
    clearInterval(patience);
  }
}

/**
 * Waits until a worker has taken the first task: pollers stay listed after a kill, so only progress proves one.
 *
 * @returns false when nobody took it within {@link PATIENCE}; it stays queued.
 */
export async function pickedUp(client: Client, handle: WorkflowHandle): Promise<boolean> {
  const until = Date.now() + PATIENCE;
  return sayingThatItWaits(async () => {
    for (;;) {
      const { historyLength } = await within(client, () => handle.describe());
      if (historyLength > 2) return true;
      if (Date.now() > until) return false;
      await sleep(LOOK);
    }
  });
}

/** The cluster's rollout: the newest run of its id, or the one that is named. */
export function rolloutHandle(client: Client, cluster: ClusterFile, runId?: string): WorkflowHandle<typeof rollout> {
  return client.workflow.getHandle<typeof rollout>(rolloutIdOf(cluster.name), runId);
}

/** What the server says of the newest run, or of the one that is named; undefined when there never was one. */
export async function describeRollout(
  client: Client,
  cluster: ClusterFile,
  { runId, until }: { readonly runId?: string | undefined; readonly until?: number } = {},
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await within(client, () => rolloutHandle(client, cluster, runId).describe(), until);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/**
 * What the server says of the newest run.
 *
 * @throws RolloutError NO_ROLLOUT when there never was one.
 */
export async function latestRollout(
  client: Client,
  cluster: ClusterFile,
  until?: number,
): Promise<WorkflowExecutionDescription> {
  const description = await describeRollout(client, cluster, until === undefined ? {} : { until });
  if (description !== undefined) return description;
  throw new RolloutError('NO_ROLLOUT', `cluster "${cluster.name}" has never been rolled out from this Temporal server`);
}

/**
 * What the newest run did and nobody has put back: from its result; from its input when it was ended before it began;
 * however else it ended, from the run itself.
 *
 * @throws RolloutError NO_CONTROL_WORKER when only a worker could tell.
 */
export async function previousUndo(client: Client, cluster: ClusterFile): Promise<readonly Undo[]> {
  const description = await describeRollout(client, cluster);
  if (description === undefined || description.status.name === 'RUNNING') return [];
  const handle = rolloutHandle(client, cluster, description.runId);
  if (description.status.name === 'COMPLETED') return (await within(client, () => handle.result())).undo;
  const untouched = await inputOfUnbegun(client, handle);
  if (untouched !== undefined) return untouched.undo ?? untouched.adopted ?? [];
  return patiently(client, () => handle.query(undoQuery), {
    each: PATIENCE,
    otherwise: 'the way back cannot be read: no control worker answers',
  });
}

/** What a run was given that was ended before any worker had finished its first task; undefined of any other run. */
async function inputOfUnbegun(client: Client, handle: WorkflowHandle): Promise<RolloutInput | undefined> {
  const { events } = await within(client, () => handle.fetchHistory());
  if (events == null || events.some(({ workflowTaskCompletedEventAttributes: begun }) => begun != null))
    return undefined;
  const { payloads } = events[0]?.workflowExecutionStartedEventAttributes?.input ?? {};
  if (payloads == null) return undefined;
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
  let readable = payloads;
  for (const codec of payloadCodecs.toReversed()) readable = await codec.decode(readable);
  return readable[0] === undefined ? undefined : payloadConverter.fromPayload(readable[0]);
}

/** The status that the workflow left in its memo: readable without any worker. */
export function memoStatus(description: WorkflowExecutionDescription): MemoStatus | undefined {
  return description.memo?.['status'] as MemoStatus | undefined;
}
