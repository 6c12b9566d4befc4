import { createHash } from 'node:crypto';
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

import type { Listener } from './listeners.js';

/** One machine's part in a meeting: who it is, and what tells this meeting from any other. */
export interface Attendance {
  readonly token: string;
  readonly name: string;
  readonly address: string;
}

/** What a host tells a guest who proved to be of the same meeting. */
export interface Welcome {
  /** TCP ports at which the host itself listens, and those that another program of its machine has. */
  readonly held: readonly number[];
  readonly taken: readonly number[];
  /** UDP ports at which it answers. */
  readonly udp: readonly number[];
}

/** Longest line that is read from a stranger. */
const LONGEST = 4_096;

/** What only a member of the meeting can say in that place. The token itself is never sent. */
export function proofOf({ token }: Pick<Attendance, 'token'>, ...words: readonly (string | number)[]): string {
  return createHash('sha256')
    .update([token, ...words].join('\0'))
    .digest('hex');
}

/** Calls for every line that a stranger sends, as long as it is short. */
export function onLine(socket: Socket, take: (line: string) => void): void {
  let rest = '';
  socket.on('data', (data) => {
    const lines = (rest + data.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST) socket.destroy();
    for (const line of lines) take(line);
  });
}

/** Listens for a short while at some ports of one address; what cannot be had is left. */
export class MeetingPoint {
  /** What this process holds for any meeting. */
  static readonly #held = new Set<string>();

  readonly #servers: Server[] = [];
  readonly #ports: number[] = [];
  readonly #datagrams: Datagrams[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #gone = new Set<string>();
  #welcome: Welcome = { held: [], taken: [], udp: [] };

  constructor(private readonly me: Attendance) {}

  /** Whether a listener is one of this process, there only while nodes meet. */
  static holds({ address, port }: Pick<Listener, 'address' | 'port'>): boolean {
    return MeetingPoint.#held.has(`${address} ${port}`);
  }

  get welcome(): Welcome {
    return this.#welcome;
  }

  /** Guests that have said goodbye: they need nothing more of this host. */
  get gone(): ReadonlySet<string> {
    return this.#gone;
  }

  /** @param taken ports of `tcp` that another program has. */
  async open(tcp: readonly number[], udp: readonly number[], taken: readonly number[]): Promise<void> {
    const held: number[] = [];
    for (const port of tcp) if (!taken.includes(port) && (await this.#listen(port))) held.push(port);
    const answering: number[] = [];
    for (const port of udp) if (await this.#answer(port)) answering.push(port);
    this.#welcome = { held, taken, udp: answering };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closing = [...this.#servers, ...this.#datagrams].map((one) => once(one, 'close'));
    for (const one of [...this.#servers, ...this.#datagrams]) one.close();
    await Promise.all(closing);
    for (const port of this.#ports) MeetingPoint.#held.delete(`${this.me.address} ${port}`);
  }

  async #listen(port: number): Promise<boolean> {
    const server = createServer((socket) => {
      this.#receive(socket, port);
    });
    server.listen({ host: this.me.address, port, exclusive: true });
    if (!(await begins(server))) return false;
    this.#servers.push(server);
    this.#ports.push(port);
    MeetingPoint.#held.add(`${this.me.address} ${port}`);
    return true;
  }

  /** The host speaks first: a guest who meets another server than ours says nothing to it. */
  #receive(socket: Socket, port: number): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.setTimeout(30_000, () => socket.destroy());
    socket.write(`${proofOf(this.me, 'host', this.me.name, port)}\n`);
    let guest: string | undefined;
    onLine(socket, (line) => {
      const [word = '', name = '', proof = ''] = line.split(' ');
      if (word === 'hello' && proof === proofOf(this.me, 'guest', name, this.me.name, port)) {
        guest = name;
        socket.write(`${JSON.stringify(this.#welcome)}\n`);
      } else if (word === 'goodbye' && guest !== undefined) {
        this.#gone.add(guest);
        socket.end();
      } else socket.destroy();
    });
  }

  async #answer(port: number): Promise<boolean> {
    const socket = createSocket({ type: this.me.address.includes(':') ? 'udp6' : 'udp4' });
    socket.bind({ address: this.me.address, port, exclusive: true });
    if (!(await begins(socket))) return false;
    const question = proofOf(this.me, 'ask', this.me.name, port);
    socket.on('message', (message, { address, port: from }) => {
      // no longer than what was asked: nobody is flooded by way of us
      if (message.toString('latin1') === question)
        socket.send(proofOf(this.me, 'echo', this.me.name, port), from, address);
    });
    this.#datagrams.push(socket);
    return true;
  }
}

/** Whether it listens; an error afterwards is none of ours. */
async function begins(listener: Server | Datagrams): Promise<boolean> {
  try {
    await once(listener, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    listener.on('error', () => undefined);
  }
}
