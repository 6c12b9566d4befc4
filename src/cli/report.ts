import type { Client } from '@temporalio/client';

import { RolloutError } from '../cluster/errors.js';
import type { ClusterFile } from '../cluster/schema.js';
import { PRODUCT_VERSION } from '../cluster/version.js';
import { writeFileAtomic } from '../platform/atomic-file.js';
import { cutoverText } from '../workflows/progress-text.js';
import { statusQuery, type Act, type Approval, type CutoverStatus, type Status } from '../workflows/status.js';
import { readClusterFile } from './cluster-file.js';
import { withClient } from './connect.js';
import { EXIT } from './exit.js';
import { historyOf } from './history.js';
import { PATIENCE, patiently } from './patience.js';
import { reportDocument } from './report/document.js';
import { storyOf } from './report/story.js';
import { latestRollout, memoStatus, rolloutHandle } from './workflows.js';

/** What a rollout took, and who decided what. */
export interface Report {
  readonly cluster: string;
  /** The server's word: RUNNING, COMPLETED … */
  readonly state: string;
  readonly verb: string;
  /** Who started it. */
  readonly by: string;
  /** Hash of the plan that was agreed to. */
  readonly plan: string | null;
  readonly began: string;
  readonly ended: string | null;
  /** Steps by how they ended, or where they stand. */
  readonly steps: Readonly<Record<string, number>>;
  /** Stops of the services: what each may take, was expected to take, and took (seconds). */
  readonly stops: readonly CutoverStatus[];
  readonly acts: readonly Act[];
  readonly approved: readonly Approval[];
  readonly kept: readonly string[];
  readonly undoable: number;
  /** What Temporal keeps of it. */
  readonly history: { readonly events: number; readonly bytes: number | null };
}

export interface ReportFlags {
  readonly json?: boolean;
  /** File that the HTML document is written to. */
  readonly html?: string;
}

/** Tells what the latest rollout took and who decided what. @returns the exit code. */
export async function reportRollout(file: string, { json = false, html }: ReportFlags): Promise<number> {
  const cluster = await readClusterFile(file);
  return withClient(async (client) => {
    const { report, status, runId } = await reportOf(client, cluster);
    if (html !== undefined) {
      const handle = rolloutHandle(client, cluster, runId);
      const story = await storyOf(await historyOf(client, handle), client.options.loadedDataConverter);
      const told = { report, story, steps: status.steps, version: PRODUCT_VERSION, at: Date.now() };
      await writeReport(html, reportDocument(told));
    }
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report));
    return EXIT.done;
  });
}

/** @throws RolloutError NO_ROLLOUT; NO_CONTROL_WORKER: only a worker can tell what happened in a run. */
async function reportOf(
  client: Client,
  cluster: ClusterFile,
): Promise<{ report: Report; status: Status; runId: string }> {
  const description = await latestRollout(client, cluster);
  const handle = rolloutHandle(client, cluster, description.runId);
  const status = await patiently(client, () => handle.query(statusQuery), {
    each: PATIENCE,
    otherwise: 'what happened in it cannot be read: no control worker answers',
  });
  const { startTime, closeTime, historyLength, historySize } = description;
  const report: Report = {
    cluster: cluster.name,
    state: description.status.name,
    verb: status.verb,
    by: memoStatus(description)?.by ?? '',
    plan: status.plan ?? null,
    began: startTime.toISOString(),
    ended: closeTime?.toISOString() ?? null,
    steps: stepCounts(status),
    stops: status.cutovers ?? [],
    acts: status.acts ?? [],
    approved: status.approved ?? [],
    kept: status.kept,
    undoable: status.undoable,
    history: { events: historyLength, bytes: historySize ?? null },
  };
  return { report, status, runId: description.runId };
}

/** @throws RolloutError USAGE where the file cannot be written. */
async function writeReport(file: string, document: string): Promise<void> {
  try {
    await writeFileAtomic(file, document);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new RolloutError('USAGE', `${file} cannot be written (${code})`);
  }
}

function stepCounts({ steps }: Status): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of steps) counts[state.is] = (counts[state.is] ?? 0) + 1;
  return counts;
}

function reportText(report: Report): string {
  const { cluster, state, verb, by, plan, began, ended, steps, stops, acts, approved, kept, undoable, history } =
    report;
  const { events, bytes } = history;
  return [
    `${verb} of ${cluster} by ${by}: ${state.toLowerCase()}`,
    `  from ${began}${ended === null ? '' : ` to ${ended}`}`,
    ...(plan === null ? [] : [`  plan agreed to: ${plan}`]),
    `  steps: ${Object.entries(steps)
      .map(([how, count]) => `${count} ${how}`)
      .join(', ')}; ${undoable} can be put back`,
    ...stops.map((one) => {
      const expected = one.forecast === null ? 'not known' : `${Math.ceil(one.forecast)} s`;
      return `  stop for ${one.stage}: at most ${one.budget} s, expected ${expected}; ${cutoverText(one)}`;
    }),
    ...approved.map((one) => `  approved by ${one.by}: ${one.finding}`),
    ...acts.map(({ at, by: who, what }) => `  ${new Date(at).toISOString()} ${who}: ${what}`),
    ...kept.map((line) => `  left in place: ${line}`),
    `  history: ${events} events${bytes === null ? '' : `, ${bytes} bytes`}`,
    '',
  ].join('\n');
}
