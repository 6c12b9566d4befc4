import { createInterface } from 'node:readline/promises';

import { WorkflowExecutionAlreadyStartedError, type Client, type WorkflowHandle } from '@temporalio/client';

import { RolloutError } from '../cluster/errors.js';
import { queueOf, rolloutIdOf } from '../cluster/names.js';
import type { ClusterFile } from '../cluster/schema.js';
import { PRODUCT_VERSION } from '../cluster/version.js';
import { verbOf, type RolloutInput } from '../workflows/rollout-input.js';
import type { MemoStatus } from '../workflows/status.js';
import { readClusterFile } from './cluster-file.js';
import { operator, webUiLink, within, withClient } from './connect.js';
import { EXIT } from './exit.js';
import { follow } from './follow.js';
import { hashLine, planText, remarksText, summarise } from './plan-text.js';
import { holdTo, loadPlan, planHash } from './saved-plan.js';
import { say } from './say.js';
import { queuedText } from './status-text.js';
import { describeRollout, memoStatus, pickedUp, previousUndo, runPlan } from './workflows.js';

export interface StartFlags {
  readonly yes?: boolean;
  readonly detach?: boolean;
  readonly adopt?: boolean;
  readonly forget?: boolean;
  readonly json?: boolean;
  /** File of a saved plan that is all that may be done. */
  readonly plan?: string;
}

/** Plans, asks, starts the rollout and follows it. @returns the exit code. */
export async function startRollout(file: string, flags: StartFlags): Promise<number> {
  if (flags.adopt === true && flags.forget === true) {
    throw new RolloutError('USAGE', '--adopt and --forget exclude each other');
  }
  const cluster = await readClusterFile(file);
  const approved = flags.plan === undefined ? undefined : await loadPlan(flags.plan, cluster);
  return withClient(async (client) => {
    await refuseWhileBusy(client, cluster);
    const plan = await runPlan(client, cluster);
    const hash = planHash(cluster, plan);
    const remarks = approved === undefined ? [] : holdTo(approved, plan, flags.json);
    const summary = summarise(plan);
    const text = `${planText(plan)}${hashLine(hash)}`;
    say(flags.json, { event: 'plan', hash, summary, risks: plan.risks, findings: plan.findings ?? [] }, text);
    if (remarks.length > 0) say(flags.json, { event: 'remarks', remarks }, remarksText(remarks));
    if (summary.changes === 0 && summary.unknown === 0) return EXIT.done;
    const waysBack = flags.adopt === true ? 'adopt' : flags.forget === true ? 'forget' : undefined;
    const undo = await previousUndo(client, cluster);
    if (undo.length > 0 && waysBack === undefined) {
      throw new RolloutError(
        'VAULT_OPEN',
        `an earlier rollout of "${cluster.name}" can still be rolled back (${undo.length} steps)`,
      );
    }
    await warnOfShortMemory(client);
    if (flags.yes !== true && !(await agreed())) return EXIT.failed;
    const input: RolloutInput = {
      cluster,
      by: operator(),
      version: PRODUCT_VERSION,
      plan: hash,
      ...(waysBack === undefined ? {} : { waysBack, adopted: undo }),
    };
    if (!(await startWorkflow(client, cluster, input, file, flags))) return EXIT.held;
    return flags.detach === true ? EXIT.done : follow(client, cluster, { ...flags, wanted: 'forward' }, file);
  });
}

/**
 * Starts the one workflow behind every changing verb.
 *
 * @returns false when no control worker has taken it yet: it stays queued, and that is said.
 * @throws RolloutError BUSY: who runs what since when.
 */
export async function startWorkflow(
  client: Client,
  cluster: ClusterFile,
  input: RolloutInput,
  file: string,
  { json }: Pick<StartFlags, 'json'>,
): Promise<boolean> {
  const verb = verbOf(input);
  const memo: MemoStatus = {
    verb,
    by: input.by,
    ...(input.plan === undefined ? {} : { plan: input.plan }),
    direction: verb === 'rollback' ? 'back' : 'forward',
    phase: '',
    done: 0,
    paused: false,
    now: [],
    held: [],
  };
  let handle: WorkflowHandle;
  try {
    handle = await within(client, () =>
      client.workflow.start('rollout', {
        workflowId: rolloutIdOf(cluster.name),
        taskQueue: queueOf(cluster.name, 'control'),
        args: [input],
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: `${verb} ${cluster.name}: ${cluster.nodes.length} nodes, by ${input.by}`,
        staticDetails: `Started by ${input.by} with icewarp-rollout ${input.version}.${input.plan === undefined ? '' : ` Plan agreed to: ${input.plan}.`} Cancelling means going back; \`icewarp-rollout pause\` means stopping.`,
        memo: { status: memo },
      }),
    );
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) await refuseWhileBusy(client, cluster);
    throw error;
  }
  const url = webUiLink(client, rolloutIdOf(cluster.name));
  if (url !== undefined) say(json, { event: 'webui', url }, `Web UI: ${url}`);
  const begun = await pickedUp(client, handle);
  if (!begun) say(json, { event: 'queued', verb: memo.verb }, queuedText(memo.verb, file));
  return begun;
}

/** @throws RolloutError BUSY while another changing verb runs on the cluster: its id is the lock. */
export async function refuseWhileBusy(client: Client, cluster: ClusterFile): Promise<void> {
  const description = await describeRollout(client, cluster);
  if (description?.status.name !== 'RUNNING') return;
  const memo = memoStatus(description);
  const who = memo === undefined ? 'somebody' : `${memo.by} (${memo.verb})`;
  const since = description.startTime.toISOString();
  throw new RolloutError(
    'BUSY',
    `${who} is at work on cluster "${cluster.name}" since ${since}, phase: ${memo?.phase ?? 'beginning'}`,
  );
}

/** Days for which a finished rollout should stay known, and with it its way back. */
const ADVISED_DAYS = 30;

/** The way back of a finished rollout lives in Temporal's history: a server that forgets early is worth a warning. */
async function warnOfShortMemory(client: Client): Promise<void> {
  const { namespace } = client.options;
  const { config } = await within(client, () => client.workflowService.describeNamespace({ namespace }));
  const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 86_400;
  if (days === 0 || days >= ADVISED_DAYS) return;
  process.stderr.write(
    `warning: this Temporal server forgets a finished rollout after ${days} days, and with it the way back; advised are ${ADVISED_DAYS}\n`,
  );
}

/** Asks on a terminal. @throws RolloutError USAGE without one: a script must say --yes. */
export async function agreed(question = 'Do it?'): Promise<boolean> {
  if (!process.stdin.isTTY) throw new RolloutError('USAGE', 'not on a terminal: say --yes to go on without a question');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
