import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { RolloutError } from '../cluster/errors.js';
import { whileConnected } from '../platform/connection.js';
import type { Procedure } from './resource.js';

export interface RedisAnswersInput {
  readonly host: string;
  readonly port: number;
}

/** Milliseconds that Redis gets to answer. */
const PATIENCE = 5_000;

/**
 * Proves that this node reaches the Redis of the web sessions, before PHP is told to use it (B5): a web client without
 * its sessions lets nobody in.
 */
export const redisAnswers: Procedure<RedisAnswersInput, { readonly answer: string }, 'node'> = {
  place: 'node',
  async run({ host, port }, { signal, agent }) {
    const answer = await ping(host, port, agent.config.address, signal).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new RolloutError('REDIS_UNUSABLE', `nothing answers from here at ${host} port ${port}`, { cause });
    });
    if (answer.startsWith('+PONG')) return { answer: 'PONG' };
    const why = answer.startsWith('-NOAUTH')
      ? 'wants a password, which IceWarp’s php.ini is not given'
      : 'does not speak the protocol of Redis';
    throw new RolloutError('REDIS_UNUSABLE', `what answers from here at ${host} port ${port} ${why}`);
  },
};

async function ping(host: string, port: number, from: string | undefined, signal: AbortSignal): Promise<string> {
  const open = (): Socket => connect({ host, port, ...(from === undefined ? {} : { localAddress: from }) });
  return whileConnected(open, { ready: 'connect', patience: PATIENCE, signal }, async (socket) => {
    socket.write('PING\r\n');
    const [data] = (await once(socket, 'data')) as [Buffer];
    return data.toString('latin1');
  });
}
