import type { Client, WorkflowExecutionDescription } from '@temporalio/client';

import { RolloutError } from '../cluster/errors.js';
import type { ClusterFile } from '../cluster/schema.js';
import { statusQuery, type Status } from '../workflows/status.js';
import { readClusterFile } from './cluster-file.js';
import { within, withClient } from './connect.js';
import { EXIT } from './exit.js';
import { memoText, statusText } from './status-text.js';
import { describeRollout, memoStatus, rolloutHandle } from './workflows.js';

/** Milliseconds that the workflow gets to answer; together with `describe` the command stays under five seconds. */
const PATIENCE = 1_500;

/** Says where the rollout stands, with or without a control worker. @returns the exit code. */
export async function showStatus(file: string, { json = false }: { json?: boolean }): Promise<number> {
  const cluster = await readClusterFile(file);
  return withClient(async (client) => {
    const description = await describeRollout(client, cluster);
    if (description === undefined) {
      throw new RolloutError(
        'NO_ROLLOUT',
        `cluster "${cluster.name}" has never been rolled out from this Temporal server`,
      );
    }
    const status = await askWorkflow(client, cluster);
    const server = serverFacts(description);
    if (json) {
      const memo = memoStatus(description);
      process.stdout.write(`${JSON.stringify({ ...server, memo, status: status ?? null }, null, 2)}\n`);
    } else if (status === undefined) {
      const memo = memoStatus(description);
      process.stdout.write(memo === undefined ? `${server.state}; no control worker answers\n` : memoText(memo, file));
      for (const line of server.pending) process.stdout.write(`  ${line}\n`);
    } else {
      process.stdout.write(`${server.state.toLowerCase()} since ${server.since}\n${statusText(status, file)}`);
    }
    const held =
      status === undefined && memoStatus(description)?.now.some((line) => line.includes(' is HELD ')) === true;
    return held ? EXIT.held : exitCodeOf(description, status);
  });
}

/** The workflow's own answer, or undefined when no control worker gives one in time. */
export async function askWorkflow(client: Client, cluster: ClusterFile): Promise<Status | undefined> {
  try {
    return await within(client, () => rolloutHandle(client, cluster).query(statusQuery), PATIENCE);
  } catch {
    return undefined;
  }
}

/** What the exit code tells of a rollout's state. */
export function exitCodeOf({ status: { name } }: WorkflowExecutionDescription, status: Status | undefined): number {
  if (name === 'RUNNING')
    return status?.steps.some(({ state }) => state.is === 'held') === true ? EXIT.held : EXIT.done;
  if (name !== 'COMPLETED') return EXIT.failed;
  const odd =
    status !== undefined && (status.kept.length > 0 || status.steps.some(({ state }) => state.is === 'skipped'));
  return odd ? EXIT.differences : EXIT.done;
}

function serverFacts(description: WorkflowExecutionDescription): { state: string; since: string; pending: string[] } {
  const pending = (description.raw.pendingActivities ?? []).map((activity) => {
    const failure = activity.lastFailure?.message;
    const state = `${activity.activityType?.name ?? 'activity'}, attempt ${activity.attempt ?? 1}`;
    return failure == null ? state : `${state}, last failure: ${failure}`;
  });
  return { state: description.status.name, since: description.startTime.toISOString(), pending };
}
