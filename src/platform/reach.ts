import { connect, isIPv6, type Socket } from 'node:net';

import type { Endpoint } from '../cluster/endpoint.js';
import { whileConnected } from './connection.js';

/** Milliseconds until a server counts as not reachable. */
const PATIENCE = 10_000;
/** Longest line of a greeting that is waited for. */
const LONGEST = 512;

/** How a connection from one of this machine's addresses ended. */
export type Reached = 'connected' | 'refused' | 'silent';

/** Whether a server takes a connection that comes from an address of this machine. Sends nothing. */
export async function reach(to: Endpoint, from: string, signal: AbortSignal): Promise<Reached> {
  return connected(to, from, signal, () => Promise.resolve('connected' as const));
}

/**
 * The code with which a mail server greets a connection from an address of this machine, or why there was none.
 *
 * @returns such as 220; `silent` also for one that says nothing, or hangs up.
 */
export async function greetingOf(
  to: Endpoint,
  from: string,
  signal: AbortSignal,
): Promise<number | 'refused' | 'silent'> {
  return connected(to, from, signal, async (socket) => {
    let said = '';
    for await (const chunk of socket) {
      said += String(chunk);
      if (said.includes('\n') || said.length > LONGEST) break;
    }
    const code = Number.parseInt(said, 10);
    return Number.isNaN(code) ? 'silent' : code;
  });
}

async function connected<T>(
  { host, port }: Endpoint,
  from: string,
  signal: AbortSignal,
  use: (socket: Socket) => Promise<T>,
): Promise<T | 'refused' | 'silent'> {
  const open = (): Socket => connect({ host, port, localAddress: from, family: isIPv6(from) ? 6 : 4 });
  try {
    return await whileConnected(open, { ready: 'connect', patience: PATIENCE, signal }, use);
  } catch (error) {
    signal.throwIfAborted();
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'refused' : 'silent';
  }
}
