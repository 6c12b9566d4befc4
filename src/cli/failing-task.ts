import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import proto from '@temporalio/proto';

import type { ClusterFile } from '../cluster/schema.js';
import { within } from './connect.js';
import { rolloutHandle } from './workflows.js';

/** A rollout that its control worker picks up again and again and cannot carry on. */
export interface FailingTask {
  /** true: the worker's code does not follow the recorded history, and no further try will. */
  readonly doesNotReplay: boolean;
  readonly why: string;
}

const { WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR: DOES_NOT_REPLAY } =
  proto.temporal.api.enums.v1.WorkflowTaskFailedCause;

/** How the SDK names it in words, where it answers a query. */
const DOES_NOT_REPLAY_TOLD = '[TMPRL1100]';

/** Events at the end of a history among which its last failed task is looked for. */
const LAST_EVENTS = 20;

/**
 * Tells whether the control worker fails at carrying a rollout on: it then takes its tasks and answers nothing, as if it were
 * not there. Undefined where it does not fail; a task that runs out of time, because no worker is there, is no failure.
 */
export async function failingTask(
  client: Client,
  cluster: ClusterFile,
  { runId, raw }: WorkflowExecutionDescription,
  until: number,
): Promise<FailingTask | undefined> {
  const attempt = raw.pendingWorkflowTask?.attempt ?? 0;
  if (attempt < 2) return undefined;
  const { workflowId } = rolloutHandle(client, cluster);
  const ask = {
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: LAST_EVENTS,
  };
  const answer = await within(client, () => client.workflowService.getWorkflowExecutionHistoryReverse(ask), until);
  const failed = answer.history?.events?.find((event) => event.workflowTaskFailedEventAttributes != null);
  const { cause, failure } = failed?.workflowTaskFailedEventAttributes ?? {};
  if (failed === undefined) return undefined;
  return { doesNotReplay: cause === DOES_NOT_REPLAY, why: failure?.message ?? 'it does not say why' };
}

/** What the error of a query tells of it: a rollout that waits for its operator has no task that could fail. */
export function notReplayed(error: unknown): FailingTask | undefined {
  if (!(error instanceof Error) || !error.message.includes(DOES_NOT_REPLAY_TOLD)) return undefined;
  return { doesNotReplay: true, why: error.message };
}

/** For people: what it means, and what to type. */
export function failingText({ doesNotReplay, why }: FailingTask, file: string): string {
  const meaning = doesNotReplay
    ? 'the control worker runs and cannot go on: it does not follow what Temporal has recorded'
    : 'the control worker runs and fails at going on; it is tried again by itself';
  return [
    meaning,
    `  why:           ${why.split('\n', 1)[0] ?? ''}`,
    '  what is safe:  nothing is lost; what is done stays done',
    doesNotReplay
      ? `  type:          icewarp-rollout recover ${file}`
      : '  next:          the log of the control worker tells more',
    '',
  ].join('\n');
}
