import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { BETWEEN_NODES, MEETING_POINTS } from '../cluster/services.js';
import { isInstalled } from '../icewarp/layout.js';
import { listeners, takes } from '../platform/listeners.js';
import { visit, type Host } from '../platform/meeting-guest.js';
import { MeetingPoint } from '../platform/meeting-point.js';
import type { Procedure } from './resource.js';

export interface NodesMeetInput {
  /** Tells this meeting from any other; random, of no use afterwards. */
  readonly token: string;
  readonly node: string;
  readonly address: string;
  /** The other nodes that come. */
  readonly others: readonly Host[];
  /** Where IceWarp is, or will be. */
  readonly directory: string;
  /** TCP ports on which IceWarp will listen. */
  readonly ports: readonly number[];
}

/** Another node of which not every port answered: at most six are named. */
export interface ClosedPeer {
  readonly node: string;
  /** No TCP port of it answered. */
  readonly never: boolean;
  readonly tcp: readonly number[];
  readonly tcpInAll: number;
  readonly udp: readonly number[];
  readonly udpInAll: number;
}

/** What a node met with: under 2 kB. */
export interface NodeMeeting {
  /** Ports at which this node could be met, TCP: its agent's, and those of other programs. None: the address is not its own. */
  readonly offered: number;
  /** UDP ports at which its agent answered. */
  readonly udp: number;
  readonly closed: readonly ClosedPeer[];
  readonly closedInAll: number;
}

/** Milliseconds for which a node waits for the others: they are called at once, and begin within ten seconds. */
const PATIENCE = 15_000;
const PAUSE = 100;
const MOST = { peers: 10, ports: 6 };

/**
 * One node's part in a meeting of all of them, by TCP and UDP, at the addresses of the cluster file (procedure, rule 9):
 * runs at the same time on each. Nothing listens before IceWarp is there, so the agent does, at its ports that are free.
 * Where IceWarp is installed the agent leaves its ports alone, because it may start at any moment: what listens is
 * connected to, and the agent answers at the meeting point only.
 */
export const nodesMeet: Procedure<NodesMeetInput, NodeMeeting, 'node'> = {
  place: 'node',
  async run({ token, node, address, others, directory, ports }, { signal }) {
    // every connection to every node ends with it
    setMaxListeners(0, signal);
    const me = { token, name: node, address };
    const deadline = Date.now() + PATIENCE;
    const all = [...new Set([...ports, ...BETWEEN_NODES])];
    const installed = await isInstalled(directory);
    const point = new MeetingPoint(me);
    try {
      const taken = await takenAt(address, [...all, ...MEETING_POINTS]);
      const [meeting] = MEETING_POINTS.filter((port) => !taken.includes(port));
      const place = meeting === undefined ? [] : [meeting];
      const own = installed ? place : [...place, ...all];
      const programs = taken.filter((port) => all.includes(port) && !MeetingPoint.holds({ address, port }));
      await point.open(own, installed ? place : [...place, ...BETWEEN_NODES], programs);
      const options = { tcp: [...all, ...MEETING_POINTS], udp: [...MEETING_POINTS, ...BETWEEN_NODES] };
      const visits = await Promise.all(
        others.map(async (host) => ({ host, ...(await visit(me, host, { ...options, deadline, signal })) })),
      );
      while (Date.now() < deadline && others.some(({ name }) => !point.gone.has(name))) {
        await sleep(PAUSE, undefined, { signal });
      }
      const closed = visits.filter(({ tcp, udp }) => tcp.length + udp.length > 0);
      return {
        offered: point.welcome.held.length + point.welcome.taken.length,
        udp: point.welcome.udp.length,
        closed: closed.slice(0, MOST.peers).map(({ host, met, tcp, udp }) => ({
          node: host.name,
          never: !met,
          tcp: met ? tcp.slice(0, MOST.ports) : [],
          tcpInAll: tcp.length,
          udp: met ? udp.slice(0, MOST.ports) : [],
          udpInAll: udp.length,
        })),
        closedInAll: closed.length,
      };
    } finally {
      await point.close();
    }
  },
};

/** Which of these TCP ports a program of this machine has at the address. */
async function takenAt(address: string, ports: readonly number[]): Promise<number[]> {
  const found = (await listeners()).filter((listener) => ports.includes(listener.port) && takes(listener, address));
  return [...new Set(found.map(({ port }) => port))];
}
