import type { DatabasePreflight } from '../../../src/activities/database-preflight.js';
import type { NamesPreflight } from '../../../src/activities/names-preflight.js';
import type { NodePreflight } from '../../../src/activities/node-preflight.js';
import type { OutsidePreflight } from '../../../src/activities/outside-preflight.js';

const ROOM = { bytes: 50_000_000_000, files: 1_000_000 };

/** A node of which there is nothing to say. */
export function cleanNode(address: string, other: Partial<NodePreflight> = {}): NodePreflight {
  return {
    os: 'debian',
    osVersion: '12',
    architecture: 'x64',
    installed: false,
    build: '',
    joined: false,
    room: { installation: ROOM, local: ROOM },
    elsewhere: false,
    taken: [],
    hidden: 0,
    names: [address],
    writers: [],
    writersInAll: 0,
    externalMailboxes: 0,
    ...other,
  };
}

/** A database server of which there is nothing to say. */
export function cleanDatabase(other: Partial<DatabasePreflight> = {}): DatabasePreflight {
  return {
    version: '10.11.6-MariaDB',
    maxConnections: 1_000,
    maxAllowedPacket: 1_073_741_824,
    lowerCaseTableNames: 1,
    engine: 'InnoDB',
    accounts: [],
    databases: [],
    clock: { ahead: 0, unsure: 1 },
    ...other,
  };
}

/** Names that lead to the balancer already, with a certificate, as the only place that takes the domain's mail. */
export function cleanNames(names: readonly string[], address: string): NamesPreflight {
  const certificate = { lacks: [], until: '2030-01-01', days: 300, early: false, trusted: true };
  const shown = names.map((name) => ({ name, addresses: [address], ttl: 300, certificate }));
  return { answered: true, names: shown, exchanges: names.slice(0, 1) };
}

/** A node that may send, and reaches what it must. */
export function cleanOutside(host: string, address: string, other: Partial<OutsidePreflight> = {}): OutsidePreflight {
  return {
    sender: { spf: 'pass', helo: [address], pointers: [host], confirmed: true },
    dnsSilent: false,
    greeting: 220,
    licenceServer: 'connected',
    certificate: null,
    ...other,
  };
}
