import { connect } from 'node:net';

import { RolloutError } from '../../cluster/errors.js';

/** Milliseconds that HAProxy gets to answer; it does in one. */
const PATIENCE = 5_000;

/**
 * Asks the running HAProxy through its runtime socket.
 *
 * @throws RolloutError BALANCER_DOWN when nothing answers there.
 */
export async function askHaproxy(socket: string, command: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  try {
    return await converse(socket, command, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]));
  } catch (cause) {
    signal.throwIfAborted();
    throw new RolloutError('BALANCER_DOWN', `HAProxy does not answer at its runtime socket ${socket}`, { cause });
  }
}

async function converse(path: string, command: string, signal: AbortSignal): Promise<string> {
  const connection = connect({ path, signal });
  connection.end(`${command}\n`);
  const parts: Buffer[] = [];
  for await (const part of connection) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** The seal of the configuration that the running HAProxy has loaded; null when none of ours is, or none runs. */
export async function loadedSeal(socket: string, signal: AbortSignal): Promise<string | null> {
  try {
    const info = await askHaproxy(socket, 'show info', signal);
    return /^description: icewarp-rollout ([0-9a-f]+)$/m.exec(info)?.[1] ?? null;
  } catch (error) {
    if (error instanceof RolloutError && error.code === 'BALANCER_DOWN') return null;
    throw error;
  }
}

/** One connection through HAProxy: from which client, over which service, to which node. */
export interface BalancedConnection {
  /** `address:port` of the client as HAProxy sees it. */
  readonly client: string;
  readonly service: string;
  readonly node: string;
}

/** The connections that HAProxy serves right now, out of the answer to `show sess`. */
export function parseConnections(answer: string): readonly BalancedConnection[] {
  return Array.from(
    answer.matchAll(/ proto=tcpv[46] src=(\S+) fe=\S+ be=(\S+) srv=(\S+) /g),
    ([, client = '', service = '', node = '']) => ({ client, service, node }),
  );
}
