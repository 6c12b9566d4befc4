import type { Client, WorkflowExecutionDescription } from '@temporalio/client';

import type { ClusterFile } from '../cluster/schema.js';
import { statusQuery, type Status } from '../workflows/status.js';
import { readClusterFile } from './cluster-file.js';
import { within, withClient } from './connect.js';
import { endedText, endFacts, endOf, exitCodeOf, type Ended } from './ended.js';
import { EXIT } from './exit.js';
import { failingTask, failingText, notReplayed, type FailingTask } from './failing-task.js';
import { memoText, statusText } from './status-text.js';
import { latestRollout, memoStatus, rolloutHandle } from './workflows.js';

/** Milliseconds for everything that is asked of the server: with the program's own start the command stays below 5 s. */
const BUDGET = 3_800;
/** Milliseconds that a worker gets to tell more of a run whose end is known already. */
const MORE = 1_500;

/** Says where the rollout stands, with or without a control worker. @returns the exit code. */
export async function showStatus(file: string, { json = false }: { json?: boolean }): Promise<number> {
  const cluster = await readClusterFile(file);
  const until = Date.now() + BUDGET;
  return withClient(async (client) => {
    const description = await latestRollout(client, cluster, until);
    const ended = await endOf(client, cluster, description, until);
    const stuck = ended === undefined ? await failingTask(client, cluster, description, until) : undefined;
    const answer = ended === undefined && stuck === undefined ? until : Math.min(until, Date.now() + MORE);
    const { status, unanswered } = await askWorkflow(client, cluster, answer, description.runId);
    const failing = status === undefined && ended === undefined ? (stuck ?? notReplayed(unanswered)) : undefined;
    const { state, since, pending } = serverFacts(description);
    const memo = memoStatus(description);
    if (json) {
      const end = ended === undefined ? null : endFacts(ended);
      const facts = { state, since, pending, memo, end, failing: failing ?? null, status: status ?? null };
      process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
    } else {
      process.stdout.write(`${state.toLowerCase()} since ${since}\n`);
      process.stdout.write(failing === undefined ? '' : failingText(failing, file));
      process.stdout.write(bodyText({ status, ended, failing }, description, file));
      for (const line of status === undefined ? pending : []) process.stdout.write(`  ${line}\n`);
    }
    if (ended !== undefined) return exitCodeOf(ended);
    const held =
      status?.steps.some(({ state }) => state.is === 'held' || (state.is === 'gate' && state.at === null)) ??
      (memo !== undefined && memo.held.length > 0);
    return held ? EXIT.held : EXIT.done;
  }, until);
}

/** What is known of a rollout beside what the server says of every workflow. */
interface Known {
  readonly status: Status | undefined;
  readonly ended: Ended | undefined;
  readonly failing: FailingTask | undefined;
}

function bodyText({ status, ended, failing }: Known, description: WorkflowExecutionDescription, file: string): string {
  if (ended !== undefined) {
    const back = status?.undoable ?? ended.result?.undo.length;
    const undoable = back === undefined ? '' : `${back} steps can be put back with icewarp-rollout rollback ${file}\n`;
    return `${endedText(ended, status, file)}\n${undoable}`;
  }
  if (status !== undefined) return statusText(status, file);
  const memo = memoStatus(description);
  const unanswered =
    failing === undefined ? 'no control worker answers. Start it with: icewarp-rollout worker --control' : undefined;
  if (memo !== undefined) return memoText(memo, file, unanswered);
  return unanswered === undefined ? '' : `${unanswered}\n`;
}

/** The workflow's own answer, or why it gives none until then: no control worker is there, or it cannot go on. */
export async function askWorkflow(
  client: Client,
  cluster: ClusterFile,
  until: number,
  runId: string,
): Promise<{ readonly status?: Status; readonly unanswered?: unknown }> {
  try {
    return { status: await within(client, () => rolloutHandle(client, cluster, runId).query(statusQuery), until) };
  } catch (unanswered) {
    return { unanswered };
  }
}

function serverFacts(description: WorkflowExecutionDescription): { state: string; since: string; pending: string[] } {
  const pending = (description.raw.pendingActivities ?? []).map((activity) => {
    const failure = activity.lastFailure?.message;
    const state = `${activity.activityType?.name ?? 'activity'}, attempt ${activity.attempt ?? 1}`;
    return failure == null ? state : `${state}, last failure: ${failure}`;
  });
  return { state: description.status.name, since: description.startTime.toISOString(), pending };
}
