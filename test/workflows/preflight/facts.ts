import type { DatabasePreflight } from '../../../src/activities/database-preflight.js';
import type { NodePreflight } from '../../../src/activities/node-preflight.js';

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
