import type { ClosedPeer, NodeMeeting } from '../../activities/nodes-meet.js';
import type { ClusterFile } from '../../cluster/schema.js';
import { finding, type Finding } from './finding.js';

/** What each node that came met with, by its id. */
export type Meetings = ReadonlyMap<string, NodeMeeting>;

/** Nodes that a finding names. */
const MOST = 8;

/** Rule 9 of the procedure: TCP and UDP from every node to every other. A node that did not come is not judged. Pure. */
export function judgeMeeting({ nodes }: ClusterFile, meetings: Meetings): readonly Finding[] {
  return nodes.flatMap(({ id, address }) => {
    if (!meetings.has(id)) return [];
    const from = [...meetings].flatMap(([node, { offered, closed }]) =>
      // who is not at its own address reaches nobody from there
      (offered === 0 ? [] : closed).filter((peer) => peer.node === id).map((peer) => ({ node, peer })),
    );
    return [...judge('tcp', id, address, from), ...judge('udp', id, address, from)];
  });
}

type Seen = readonly { readonly node: string; readonly peer: ClosedPeer }[];

function judge(by: 'tcp' | 'udp', id: string, address: string, from: Seen): Finding[] {
  const inAll = ({ tcpInAll, udpInAll }: ClosedPeer): number => (by === 'tcp' ? tcpInAll : udpInAll);
  const closed = from.filter(({ peer }) => inAll(peer) > 0);
  const [first] = closed;
  if (first === undefined) return [];
  const nodes = [...closed.slice(0, MOST).map(({ node }) => node), ...(closed.length > MOST ? ['others'] : [])];
  const name = by.toUpperCase();
  const ports = first.peer[by];
  const more = inAll(first.peer) - ports.length;
  const which = first.peer.never
    ? `nothing at ${address} answers by ${name}`
    : `${name} port ${ports.join(', ')}${more > 0 ? ` and ${more} more` : ''} at ${address} does not answer`;
  return [finding(by === 'tcp' ? 'tcpClosed' : 'udpClosed', id, `${which}, asked from ${nodes.join(', ')}`)];
}
