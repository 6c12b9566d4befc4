import { randomUUID } from 'node:crypto';

import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';

import { RolloutError } from '../cluster/errors.js';
import type { ClusterFile } from '../cluster/schema.js';
import type { Stage } from '../cluster/stages.js';
import { PRODUCT_VERSION } from '../cluster/version.js';
import { commandUpdate, type Command, type Verb } from '../workflows/status.js';
import { agreed } from './agreed.js';
import { readClusterFile } from './cluster-file.js';
import { operator, withClient } from './connect.js';
import { EXIT } from './exit.js';
import { follow } from './follow.js';
import { PATIENCE, patiently } from './patience.js';
import { say } from './say.js';
import { startWorkflow } from './start.js';
import { describeRollout, latestRollout, memoStatus, previousUndo, rolloutHandle } from './workflows.js';

/** What is said with a verb. */
export interface OperateFlags {
  readonly step?: string;
  readonly finding?: string;
  readonly skipped?: string;
  readonly why?: string;
  readonly when?: Command['when'];
  readonly to?: Stage | 'start';
  /** Bytes and files per second. */
  readonly bytes?: number;
  readonly files?: number;
  readonly yes?: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

/** What is asked before something that cannot be taken back. */
const QUESTIONS: Readonly<Partial<Record<Verb, (flags: OperateFlags) => string>>> = {
  rollback: ({ to }) =>
    to === undefined || to === 'start' ? 'Put everything back?' : `Go back to the state after ${to}?`,
  complete: () => 'Give up the way back?',
};

/** Sends an operator's verb to the rollout; `rollback` also works on one that has ended. @returns the exit code. */
export async function operate(verb: Verb, file: string, flags: OperateFlags): Promise<number> {
  const cluster = await readClusterFile(file);
  return withClient(async (client) => {
    const description = await latestRollout(client, cluster);
    const question = QUESTIONS[verb];
    if (question !== undefined && flags.yes !== true && !(await agreed(question(flags)))) return EXIT.failed;
    const running = description.status.name === 'RUNNING';
    const answer = running ? await send(client, cluster, description.runId, verb, flags) : undefined;
    if (answer === undefined) {
      if (verb === 'rollback') return rollBackEnded(client, cluster, file, { ...flags, meanwhile: running });
      if (verb === 'complete') return completeEnded(client, cluster, file, flags);
      throw new RolloutError(
        'REFUSED',
        `refused: the rollout of "${cluster.name}" has ended, nothing is left to ${verb}`,
      );
    }
    say(flags.json, { event: 'answer', answer }, answer);
    return verb === 'rollback' && flags.detach !== true
      ? follow(client, cluster, { ...flags, wanted: 'back' }, file)
      : EXIT.done;
  });
}

/**
 * Sends the verb to one run, exactly once however often the call is repeated: its id is fixed.
 *
 * @returns what the run answered, or undefined when it has ended.
 * @throws RolloutError REFUSED with the reason; NO_CONTROL_WORKER when nobody answers in time.
 */
async function send(
  client: Client,
  cluster: ClusterFile,
  runId: string,
  verb: Verb,
  flags: OperateFlags,
): Promise<string | undefined> {
  const command = commandOf(verb, flags);
  const handle = rolloutHandle(client, cluster, runId);
  const updateId = randomUUID();
  try {
    return await patiently(client, () => handle.executeUpdate(commandUpdate, { args: [command], updateId }), {
      otherwise: `no control worker has answered within ${PATIENCE / 1000} s; the command may still take effect when one is there`,
    });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    if (error instanceof WorkflowUpdateFailedError) {
      throw new RolloutError('REFUSED', `refused: ${error.cause?.message ?? 'no reason given'}`);
    }
    throw error;
  }
}

function commandOf(verb: Verb, flags: OperateFlags): Command {
  const { step, finding, skipped, why, when, to, bytes, files } = flags;
  const limits = { ...(bytes === undefined ? {} : { bytes }), ...(files === undefined ? {} : { files }) };
  return {
    verb,
    by: operator(),
    ...(step === undefined ? {} : { step }),
    ...(finding === undefined ? {} : { finding }),
    ...(skipped === undefined ? {} : { skipped }),
    ...(why === undefined ? {} : { why }),
    ...(when === undefined ? {} : { when }),
    ...(to === undefined ? {} : { to }),
    ...(verb === 'limits' ? { limits } : {}),
  };
}

/** Gives up what a run that has ended could put back. */
async function completeEnded(client: Client, cluster: ClusterFile, file: string, flags: OperateFlags): Promise<number> {
  const adopted = await previousUndo(client, cluster);
  const input = { cluster, by: operator(), version: PRODUCT_VERSION, complete: true, adopted } as const;
  if (!(await startWorkflow(client, cluster, input, file, flags))) return EXIT.held;
  return follow(client, cluster, flags, file);
}

/** Puts back what a run did that has ended; `meanwhile`: it ended while it was being asked. */
async function rollBackEnded(
  client: Client,
  cluster: ClusterFile,
  file: string,
  { meanwhile, ...flags }: OperateFlags & { readonly meanwhile: boolean },
): Promise<number> {
  const toTheEnd = (): Promise<number> => follow(client, cluster, { ...flags, wanted: 'back' }, file);
  // the command was taken and its answer was lost, or somebody else gave it: what was asked for has been done
  if (meanwhile && (await hasGoneBack(client, cluster))) return toTheEnd();
  const undo = await previousUndo(client, cluster);
  if (undo.length === 0) {
    say(flags.json, { event: 'nothing' }, 'Nothing to put back.');
    return EXIT.done;
  }
  const { to } = flags;
  const input = {
    cluster,
    by: operator(),
    version: PRODUCT_VERSION,
    undo,
    ...(to === undefined || to === 'start' ? {} : { to }),
  };
  if (!(await startWorkflow(client, cluster, input, file, flags))) return EXIT.held;
  return flags.detach === true ? EXIT.done : toTheEnd();
}

async function hasGoneBack(client: Client, cluster: ClusterFile): Promise<boolean> {
  const description = await describeRollout(client, cluster);
  return description?.status.name === 'COMPLETED' && memoStatus(description)?.direction === 'back';
}
