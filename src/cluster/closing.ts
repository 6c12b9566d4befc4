import type { ClusterFile, NodeSpec } from './schema.js';
import { BETWEEN_NODES, SERVICES } from './services.js';

/** What is closed on a node while it is moved and proven, and who still may (procedure, Terms, "closed"). */
export interface Closing {
  /** TCP ports that users and other servers reach. */
  readonly services: readonly number[];
  /** TCP ports at which other servers take mail: what goes out there is held. */
  readonly delivery: readonly number[];
  /** Addresses to which it applies; none: every one of the machine. */
  readonly addresses: readonly string[];
  /** Addresses that may connect, and get mail; names among them are not looked up. */
  readonly admit: readonly string[];
}

/** Where mail is handed on: to servers, and by submission to a relay. */
const DELIVERY = [SERVICES.smtp.port, SERVICES.smtps.port, SERVICES.submission.port];

/** The port that stands behind a host; an IPv6 address without brackets has none. */
const PORT = /^(?:\[[^\]]+\]|[^:]+):(\d+)$/;

/**
 * What a stop closes on a node: every port of IceWarp's, for all but the machines of the cluster. The servers of the
 * database and of the share are among those, because what they answer comes back to a port of the node's own choice,
 * which may be any. Pure.
 *
 * @param control addresses of the control machine, from which it is probed.
 */
export function closingOf(file: ClusterFile, node: NodeSpec, control: readonly string[]): Closing {
  const { nodes, balancer, database, share, public: side } = file;
  const named = (balancer.services ?? []).flatMap(({ nodePort }) => (nodePort === undefined ? [] : [nodePort]));
  const [, smarthost] = PORT.exec(side?.smarthost ?? '') ?? [];
  const servers = [database.host, ...(share.host === undefined ? [] : [share.host])];
  return {
    services: ascending([...named, ...BETWEEN_NODES]),
    delivery: ascending([...DELIVERY, ...(smarthost === undefined ? [] : [Number(smarthost)])]),
    // nobody reaches a loopback address from elsewhere, and other machines of a lab have theirs beside it
    addresses: node.address.startsWith('127.') ? [node.address] : [],
    admit: [...new Set([...nodes.map(({ address }) => address), ...control, ...servers])].sort(),
  };
}

const ascending = (ports: readonly number[]): number[] => [...new Set(ports)].sort((one, other) => one - other);
