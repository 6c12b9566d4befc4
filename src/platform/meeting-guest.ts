import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { onLine, proofOf, type Attendance, type Welcome } from './meeting-point.js';

/** Another machine of the meeting. */
export interface Host {
  readonly name: string;
  readonly address: string;
}

/** What a guest found at one host: the ports that did not answer. */
export interface Visit {
  /** The host was found: it is known at which ports it answers. */
  readonly met: boolean;
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
}

export interface VisitOptions {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
  /** When to give up, in milliseconds since the epoch. */
  readonly deadline: number;
  readonly signal: AbortSignal;
}

/** Milliseconds that one connection, or one answer to it, may take; and between two tries. */
const PATIENCE = 2_000;
const PAUSE = 300;
/** How often a port of a host that was found is tried before it counts as closed; datagrams may be lost. */
const TRIES = 3;
const DATAGRAMS = 12;

type Outcome = { readonly is: 'welcome'; readonly welcome: Welcome; readonly socket: Socket } | { readonly is: Answer };
/** other: another program answers there. closed: nobody does. */
type Answer = 'other' | 'closed';

/** Tries every port of one host, until the host is found or the deadline is over. */
export async function visit(me: Attendance, host: Host, options: VisitOptions): Promise<Visit> {
  const { signal, deadline } = options;
  const open = new Set<number>();
  let met: { readonly welcome: Welcome; readonly socket: Socket } | undefined;
  const knock = async (ports: readonly number[]): Promise<void> => {
    await Promise.all(
      ports.map(async (port) => {
        const outcome = await enter(me, host, port, signal);
        if (outcome.is !== 'closed') open.add(port);
        if (outcome.is !== 'welcome') return;
        if (met === undefined) met = outcome;
        else outcome.socket.destroy();
      }),
    );
  };
  // asked all the time: a host that is not found by TCP may be gone before we give up
  const early = closedToDatagrams(me, host, options.udp, signal, () => met === undefined && Date.now() < deadline);
  early.catch(() => undefined); // seen below
  try {
    for (;;) {
      await knock(options.tcp.filter((port) => !open.has(port)));
      if (met !== undefined || Date.now() > deadline) break;
      await sleep(PAUSE, undefined, { signal });
    }
    if (met === undefined) {
      const udp = await early;
      // which of them the host has is not known: one that answers is proof enough
      return { met: false, tcp: options.tcp, udp: udp.length < options.udp.length ? [] : udp };
    }
    const { held, taken, udp } = met.welcome;
    const offered = [...held, ...taken];
    for (let tries = 1; tries < TRIES; tries += 1) await knock(offered.filter((port) => !open.has(port)));
    const closed = await closedToDatagrams(me, host, udp, signal);
    met.socket.end('goodbye\n');
    return { met: true, tcp: offered.filter((port) => !open.has(port)), udp: closed };
  } finally {
    met?.socket.destroySoon();
  }
}

/** Goes to one TCP port, and keeps the connection where the host proves to be the one that was sought. */
function enter(me: Attendance, host: Host, port: number, signal: AbortSignal): Promise<Outcome> {
  signal.throwIfAborted();
  return new Promise((resolve) => {
    const socket = connect({ host: host.address, port, localAddress: me.address });
    let connected = false;
    const leave = (): void => {
      socket.destroy();
      resolve({ is: connected ? 'other' : 'closed' });
    };
    const timer = setTimeout(leave, PATIENCE);
    socket.on('connect', () => {
      connected = true;
    });
    socket.on('error', leave);
    socket.on('close', leave);
    const abort = (): void => {
      leave();
    };
    signal.addEventListener('abort', abort, { once: true });
    let known = false;
    onLine(socket, (line) => {
      if (!known) {
        if (line !== proofOf(me, 'host', host.name, port)) {
          leave();
          return;
        }
        known = true;
        socket.write(`hello ${me.name} ${proofOf(me, 'guest', me.name, host.name, port)}\n`);
        return;
      }
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      resolve({ is: 'welcome', welcome: JSON.parse(line) as Welcome, socket });
    });
    socket.on('close', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    });
  });
}

/** The UDP ports from which nothing comes back. @param isGoingOn whether to ask once more. */
async function closedToDatagrams(
  me: Attendance,
  host: Host,
  ports: readonly number[],
  signal: AbortSignal,
  isGoingOn: (sent: number) => boolean = (sent) => sent < DATAGRAMS,
): Promise<readonly number[]> {
  const silent = new Set(ports);
  const socket = createSocket({ type: me.address.includes(':') ? 'udp6' : 'udp4' });
  socket.on('error', () => undefined);
  socket.on('message', (message, { port }) => {
    if (message.toString('latin1') === proofOf(me, 'echo', host.name, port)) silent.delete(port);
  });
  try {
    await new Promise<void>((resolve) => socket.bind({ address: me.address, port: 0 }, resolve));
    for (let sent = 0; isGoingOn(sent) && silent.size > 0; sent += 1) {
      for (const port of silent) socket.send(proofOf(me, 'ask', host.name, port), port, host.address, () => undefined);
      for (let wait = 0; wait < PAUSE && silent.size > 0; wait += PAUSE / 10) {
        await sleep(PAUSE / 10, undefined, { signal });
      }
    }
    return [...silent];
  } finally {
    socket.close();
  }
}
