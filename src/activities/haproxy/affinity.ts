import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { unreachable, wrongAnswer } from '../mail/failure.js';
import { PATIENCE, type MailServer } from '../mail/server.js';
import { askHaproxy, parseConnections, type BalancedConnection } from './runtime.js';

/** IMAP IDLE may be silent for 29 minutes; this is asked of every service (procedure, rule 14). */
const LEAST_SILENCE = 31;

/** Where one client's connections ended. */
export interface Affinity {
  readonly node: string;
  /** Of silence, after which HAProxy gives up the first of them; by its own clock, whatever its file says. */
  readonly minutes: number;
}

/**
 * Opens two connections to each service at once and asks HAProxy where they ended: all of one client's connections
 * must meet the same node, whatever the service (B5), and may be silent for as long as IMAP IDLE is.
 *
 * @throws RolloutError PROBE_FAILED when they met several, or would be cut off; PROBE_UNREACHABLE when a service does
 * not answer.
 */
export async function nodeOfThisClient(
  servers: readonly MailServer[],
  runtimeSocket: string,
  signal: AbortSignal,
): Promise<Affinity> {
  const connections: Socket[] = [];
  try {
    for (const server of [...servers, ...servers]) connections.push(await greeted(server, signal));
    const seen = parseConnections(await askHaproxy(runtimeSocket, 'show sess', signal));
    return theOneNode(connections, seen);
  } finally {
    for (const connection of connections) connection.destroy();
  }
}

/** Pure but for the sockets' own addresses. */
function theOneNode(connections: readonly Socket[], seen: readonly BalancedConnection[]): Affinity {
  const ours = new Set(connections.map(({ localAddress, localPort }) => `${localAddress ?? ''}:${localPort ?? 0}`));
  const met = seen.filter(({ client }) => ours.has(client));
  const nodes = [...new Set(met.map(({ node }) => node))];
  const [node] = nodes;
  if (node === undefined || nodes.length > 1 || met.length < connections.length) {
    const places = met.map(({ service, node }) => `${service} at ${node}`).join(', ');
    throw wrongAnswer(
      'source affinity',
      `all ${connections.length} connections of one client at one node`,
      `HAProxy shows ${places === '' ? 'none of them' : places}`,
    );
  }
  const minutes = Math.ceil(Math.min(...met.map(({ patience }) => patience)) / 60);
  if (minutes > LEAST_SILENCE) return { node, minutes };
  throw wrongAnswer(
    'time-outs of the balancer',
    `a silent connection to be kept for more than ${LEAST_SILENCE} minutes`,
    `HAProxy gives it up after ${minutes}`,
  );
}

/** A connection on which the node behind the balancer has said its greeting: by then HAProxy has chosen the node. */
async function greeted(server: MailServer, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host: server.address, port: server.port, signal: AbortSignal.any([signal]) });
  socket.setTimeout(PATIENCE, () => socket.destroy(new Error('silence')));
  try {
    await Promise.race([
      once(socket, 'data'),
      once(socket, 'close').then(() => {
        throw unreachable('balancer', server);
      }),
    ]);
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw unreachable('balancer', server, error);
  }
}
