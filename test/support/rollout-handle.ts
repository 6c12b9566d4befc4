import { Client, Connection, type WorkflowHandle } from '@temporalio/client';

import { rolloutIdOf } from '../../src/cluster/names.js';
import type { Lab } from '../../src/lab/lab.js';
import { LAB_CLUSTER } from '../../src/lab/machine-files.js';

/** Milliseconds that one look may take. */
const DEADLINE = 5_000;

/** Asks or tells a lab's rollout something; fails soon while the server or the control worker is away. */
export async function withRollout<T>(lab: Lab, work: (handle: WorkflowHandle) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: lab.temporal.address, connectTimeout: DEADLINE });
  try {
    const client = new Client({ connection });
    return await client.withDeadline(Date.now() + DEADLINE, () =>
      work(client.workflow.getHandle(rolloutIdOf(LAB_CLUSTER))),
    );
  } finally {
    await connection.close();
  }
}
