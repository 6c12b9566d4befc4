import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';

import { RolloutError } from '../cluster/errors.js';
import type { ClusterFile } from '../cluster/schema.js';
import { PRODUCT_VERSION } from '../cluster/version.js';
import { commandUpdate, type Verb } from '../workflows/status.js';
import { readClusterFile } from './cluster-file.js';
import { operator, within, withClient } from './connect.js';
import { EXIT } from './exit.js';
import { follow } from './follow.js';
import { agreed, startWorkflow } from './start.js';
import { describeRollout, previousUndo, rolloutHandle } from './workflows.js';

interface OperateFlags {
  readonly step?: string;
  readonly yes?: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

/** Sends an operator's verb to the rollout; `rollback` also works on one that has ended. @returns the exit code. */
export async function operate(verb: Verb, file: string, flags: OperateFlags): Promise<number> {
  const cluster = await readClusterFile(file);
  return withClient(async (client) => {
    const description = await describeRollout(client, cluster);
    if (description === undefined) {
      throw new RolloutError(
        'NO_ROLLOUT',
        `cluster "${cluster.name}" has never been rolled out from this Temporal server`,
      );
    }
    const running = description.status.name === 'RUNNING';
    if (verb === 'rollback') {
      if (flags.yes !== true && !(await agreed('Put everything back?'))) return EXIT.failed;
      if (!running) return rollBackEnded(client, cluster, file, flags);
    } else if (!running) {
      throw new RolloutError('REFUSED', `the rollout of "${cluster.name}" has ended: there is nothing to ${verb}`);
    }
    const answer = await send(client, cluster, verb, flags.step);
    process.stdout.write(flags.json === true ? `${JSON.stringify({ answer })}\n` : `${answer}\n`);
    return verb === 'rollback' && flags.detach !== true
      ? follow(client, cluster, { ...flags, wanted: 'back' }, file)
      : EXIT.done;
  });
}

async function send(client: Client, cluster: ClusterFile, verb: Verb, step: string | undefined): Promise<string> {
  const command = { verb, by: operator(), ...(step === undefined ? {} : { step }) };
  try {
    return await within(client, () => rolloutHandle(client, cluster).executeUpdate(commandUpdate, { args: [command] }));
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) {
      throw new RolloutError('REFUSED', `refused: ${error.cause?.message ?? 'no reason given'}`);
    }
    throw new RolloutError('NO_CONTROL_WORKER', 'the rollout did not take the command: no control worker answers', {
      cause: error,
    });
  }
}

async function rollBackEnded(client: Client, cluster: ClusterFile, file: string, flags: OperateFlags): Promise<number> {
  const undo = await previousUndo(client, cluster);
  if (undo.length === 0) {
    process.stdout.write('Nothing to put back.\n');
    return EXIT.done;
  }
  await startWorkflow(client, cluster, { cluster, by: operator(), version: PRODUCT_VERSION, undo });
  return flags.detach === true ? EXIT.done : follow(client, cluster, { ...flags, wanted: 'back' }, file);
}
