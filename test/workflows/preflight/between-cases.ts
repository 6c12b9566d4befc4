import type { ClosedPeer, NodeMeeting } from '../../../src/activities/nodes-meet.js';
import type { SharePreflight } from '../../../src/activities/share-preflight.js';
import type { Finding } from '../../../src/workflows/preflight/finding.js';
import { judgeClocks } from '../../../src/workflows/preflight/judge-clocks.js';
import { judgeMeeting } from '../../../src/workflows/preflight/judge-meeting.js';
import { judgeNodes } from '../../../src/workflows/preflight/judge-nodes.js';
import { judgeShare } from '../../../src/workflows/preflight/judge-share.js';
import { exampleCluster } from '../example-cluster.js';
import type { Case } from './cases.js';
import { cleanNode } from './facts.js';

const file = exampleCluster('t');

/** A port, or two, of a node that is as it should be otherwise. */
export function closed(node: string, other: Partial<ClosedPeer> = {}): ClosedPeer {
  return { node, never: false, tcp: [], tcpInAll: 0, udp: [], udpInAll: 0, ...other };
}

/** What is found where nodes met that way. */
export function foundMeeting(meetings: Readonly<Record<string, Partial<NodeMeeting>>>): readonly Finding[] {
  const all = Object.entries(meetings).map(([id, meeting]): [string, NodeMeeting] => {
    const peers = meeting.closed ?? [];
    return [id, { offered: 30, udp: 28, closed: peers, closedInAll: peers.length, ...meeting }];
  });
  return judgeMeeting(file, new Map(all));
}

/** What is found where the share server differs that way from a clean one. */
export function foundShare(other: Partial<SharePreflight>): readonly Finding[] {
  const room = { bytes: 500_000_000_000, files: 10_000_000 };
  return judgeShare(file, { room, owner: null, foreign: 0, server: 'smbd', ...other });
}

/** Milliseconds that clocks are ahead, and the doubt about each. */
export function foundClocks(clocks: Readonly<Record<string, readonly [number, number]>>): readonly Finding[] {
  const readings = Object.entries(clocks).map(([name, [ahead, doubt]]): [string, { low: number; high: number }] => [
    name,
    { low: ahead - doubt, high: ahead + doubt },
  ]);
  return judgeClocks(new Map(readings));
}

/** Of every kind of this room one case. */
export const BETWEEN_CASES: readonly Case[] = [
  [
    'addressElsewhere',
    'B/address-elsewhere',
    (): readonly Finding[] => judgeNodes(file, new Map([['B', cleanNode('192.0.2.12', { elsewhere: true })]])),
  ],
  [
    'tcpClosed',
    'B/tcp-closed',
    (): readonly Finding[] => foundMeeting({ A: { closed: [closed('B', { tcp: [25], tcpInAll: 1 })] }, B: {} }),
  ],
  [
    'udpClosed',
    'B/udp-closed',
    (): readonly Finding[] => foundMeeting({ A: { closed: [closed('B', { udp: [161], udpInAll: 1 })] }, B: {} }),
  ],
  [
    'clocksApart',
    'cluster/clocks-apart',
    (): readonly Finding[] => foundClocks({ 'node A': [0, 10], 'node B': [1_100, 10] }),
  ],
  [
    'shareRoomLittle',
    'share/room',
    (): readonly Finding[] => foundShare({ room: { bytes: 900_000_000, files: null } }),
  ],
  ['shareRoomTight', 'share/tight', (): readonly Finding[] => foundShare({ room: { bytes: 5e12, files: 50_000 } })],
  ['shareOfAnother', 'share/of-another-cluster', (): readonly Finding[] => foundShare({ owner: 'other' })],
  ['shareHolds', 'share/holds-files', (): readonly Finding[] => foundShare({ foreign: 3 })],
  ['sharePortTaken', 'share/port-445-taken', (): readonly Finding[] => foundShare({ server: 'nc' })],
  ['shareSilent', 'share/port-445-silent', (): readonly Finding[] => foundShare({ server: null })],
];
