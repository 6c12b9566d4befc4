import { connections, ownAddresses } from '../platform/listeners.js';
import type { Procedure } from './resource.js';

export interface OwnConnectionsInput {
  /** The node's address. */
  readonly address: string;
  /** Ports of its services. */
  readonly ports: readonly number[];
  /** Addresses of the balancer and of its machine, and of the other nodes: who may connect, and what is not this node's own. */
  readonly cluster: readonly string[];
}

/** Who is connected to a node's services without having come through the balancer: under 2 kB. */
export interface OwnConnections {
  readonly inAll: number;
  /** The first of them, as address and the node's port. */
  readonly from: readonly { readonly address: string; readonly port: number }[];
}

/** More are only counted: the answer goes into history. */
const MOST = 6;

/** Machines speak to themselves from these. */
const LOOPBACK = ['127.0.0.1', '::1'];

/**
 * Looks for clients that still use a node's own address (procedure, order 2, step 15): connections of this moment, on
 * any address of the machine. Changes nothing.
 */
export const ownConnections: Procedure<OwnConnectionsInput, OwnConnections, 'node'> = {
  place: 'node',
  async run({ address, ports, cluster }) {
    const own = new Set([address, ...ownAddresses().filter((one) => !cluster.includes(one))]);
    const known = new Set([...own, ...cluster, ...LOOPBACK]);
    const direct = (await connections()).filter(
      ({ local, peer }) => own.has(local.address) && ports.includes(local.port) && !known.has(peer.address),
    );
    const from = direct.map(({ local, peer }) => ({ address: peer.address, port: local.port }));
    const rank = (one: (typeof from)[number]): string => `${one.address} ${one.port}`;
    return {
      inAll: from.length,
      from: from.sort((one, other) => (rank(one) < rank(other) ? -1 : 1)).slice(0, MOST),
    };
  },
};
