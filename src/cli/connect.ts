import { hostname, userInfo } from 'node:os';

import { Client, Connection, isGrpcServiceError } from '@temporalio/client';

import { RolloutError } from '../cluster/errors.js';
import { AGENT_FILE } from '../platform/agent-file.js';
import { clientConverter } from '../temporal/data-converter.js';
import { loadOperatorsPayloadKeys } from '../temporal/payload-keys.js';
import { temporalSettings } from '../temporal/settings.js';

/** Milliseconds that one call to the Temporal server may take: a command never hangs silently. */
export const DEADLINE = 5_000;

/**
 * Runs work with a client and closes its connection.
 *
 * @param until - When the connection must stand, in milliseconds since the epoch.
 * @throws RolloutError TEMPORAL_UNREACHABLE; TEMPORAL_CONFIG, TEMPORAL_PLAIN and those of the payload keys.
 */
export async function withClient<T>(work: (client: Client) => Promise<T>, until = Date.now() + DEADLINE): Promise<T> {
  const { address, namespace, options } = temporalSettings();
  const dataConverter = clientConverter(await loadOperatorsPayloadKeys(AGENT_FILE));
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...options, connectTimeout: Math.max(1, until - Date.now()) });
  } catch (error) {
    throw new RolloutError('TEMPORAL_UNREACHABLE', `the Temporal server at ${address} does not answer`, {
      cause: error,
    });
  }
  try {
    return await work(new Client({ connection, namespace, dataConverter, identity: operator() }));
  } catch (error) {
    const grpc = error instanceof RolloutError ? undefined : grpcErrorOf(error);
    if (grpc === undefined) throw error;
    throw new RolloutError('TEMPORAL_UNREACHABLE', `the Temporal server at ${address} refused: ${grpc.details}`, {
      cause: error,
    });
  } finally {
    await connection.close();
  }
}

/** The server's own error behind one of the client's. */
export function grpcErrorOf(error: unknown): { readonly code: number; readonly details: string } | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (isGrpcServiceError(one)) return one;
  }
  return undefined;
}

/** One call, or a loop of calls, which must have ended `until` then (milliseconds since the epoch). */
export function within<T>(client: Client, call: () => Promise<T>, until = Date.now() + DEADLINE): Promise<T> {
  return client.withDeadline(until, call);
}

/** Who is typing: recorded with every verb. Behind sudo it is not root alone, but also who asked for it. */
export function operator(): string {
  const { username } = userInfo();
  const asked = process.env['SUDO_USER'] ?? '';
  const name = username === 'root' && /^[\w.@-]{1,64}$/.test(asked) && asked !== 'root' ? `${asked}/root` : username;
  return `${name}@${hostname()}`;
}

/** How a workflow is shown in the Web UI when its address is known. */
export function webUiLink({ options: { namespace } }: Client, workflowId: string): string | undefined {
  const base = process.env['TEMPORAL_UI_ADDRESS'];
  return base === undefined ? undefined : `${base}/namespaces/${namespace}/workflows/${workflowId}`;
}
