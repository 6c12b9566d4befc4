import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';

import { rolloutIdOf } from '../../src/cluster/names.js';
import type { Lab } from '../../src/lab/lab.js';
import { LAB_CLUSTER } from '../../src/lab/machine-files.js';

/**
 * Whether a control worker that starts now could go on with the rollout: its history, replayed, makes the same choices.
 *
 * @returns null, or what is wrong and where the history was put.
 */
export async function replayTrouble(lab: Lab): Promise<string | null> {
  const connection = await Connection.connect({ address: lab.temporal.address });
  try {
    const history = await new Client({ connection }).workflow.getHandle(rolloutIdOf(LAB_CLUSTER)).fetchHistory();
    const workflowBundle = { codePath: join(lab.dist, 'src/workflow-bundle.js') };
    try {
      await Worker.runReplayHistory({ workflowBundle }, history);
      return null;
    } catch (error) {
      const file = join(tmpdir(), `icewarp-rollout-history-${Date.now()}.json`);
      await writeFile(file, historyToJSON(history));
      return `its history (${file}) does not replay: ${error instanceof Error ? error.message : String(error)}`;
    }
  } finally {
    await connection.close();
  }
}
