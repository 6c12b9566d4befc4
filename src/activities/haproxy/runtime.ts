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
  /** Seconds of silence, of the client or of the node, after which HAProxy gives the connection up: what is left of them. */
  readonly patience: number;
}

/** The connections that HAProxy serves right now, out of the answer to `show sess`. */
export function parseConnections(answer: string): readonly BalancedConnection[] {
  return Array.from(
    answer.matchAll(/ proto=tcpv[46] src=(\S+) fe=\S+ be=(\S+) srv=(\S+) .*? rq\[([^\]]*)\] rp\[([^\]]*)\]/g),
    ([, client = '', service = '', node = '', request = '', response = '']) => ({
      client,
      service,
      node,
      patience: Math.min(...[request, response].map(secondsToRead)),
    }),
  );
}

/** The time that is left to read from one side, such as `rx=34m59s`; without a limit it is not there. */
function secondsToRead(channel: string): number {
  const left = /\brx=([0-9dhms]*)/.exec(channel)?.[1] ?? '';
  if (left === '') return Infinity;
  const unit: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };
  return Array.from(left.matchAll(/(\d+)(ms|[dhms])/g)).reduce(
    (sum, [, amount, name = '']) => sum + Number(amount) * (unit[name] ?? 0),
    0,
  );
}
