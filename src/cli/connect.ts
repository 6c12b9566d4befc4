import { hostname, userInfo } from 'node:os';

import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

import { RolloutError } from '../cluster/errors.js';

/** Milliseconds that one call to the Temporal server may take: a command never hangs silently. */
export const DEADLINE = 5_000;

/** Runs work with a client and closes its connection. @throws RolloutError TEMPORAL_UNREACHABLE. */
export async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = connectionOptions.address ?? '127.0.0.1:7233';
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...connectionOptions, connectTimeout: DEADLINE });
  } catch (error) {
    throw new RolloutError('TEMPORAL_UNREACHABLE', `the Temporal server at ${address} does not answer`, {
      cause: error,
    });
  }
  try {
    return await work(new Client({ connection, namespace, identity: operator() }));
  } catch (error) {
    if (isGrpcServiceError(error)) {
      throw new RolloutError('TEMPORAL_UNREACHABLE', `the Temporal server at ${address} refused: ${error.details}`, {
        cause: error,
      });
    }
    throw error;
  } finally {
    await connection.close();
  }
}

/** One call, or a loop of calls, within the deadline. */
export function within<T>(client: Client, call: () => Promise<T>, milliseconds = DEADLINE): Promise<T> {
  return client.withDeadline(Date.now() + milliseconds, call);
}

/** Who is typing: recorded with every verb. */
export function operator(): string {
  return `${userInfo().username}@${hostname()}`;
}

/** How a workflow is shown in the Web UI when its address is known. */
export function webUiLink(workflowId: string, namespace = 'default'): string | undefined {
  const base = process.env['TEMPORAL_UI_ADDRESS'];
  return base === undefined ? undefined : `${base}/namespaces/${namespace}/workflows/${workflowId}`;
}
