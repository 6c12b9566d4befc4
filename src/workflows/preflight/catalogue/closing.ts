import type { KindOfFinding } from './kind.js';

/** Whether users can be kept out of a server in production while it moves. */
export const CLOSING_FINDINGS = {
  noWayToClose: {
    pattern: 'NODE/no-way-to-close',
    severity: 'stops',
    guide: 'G25 B2',
    would: 'users would work on a server that is still being proven, and lose what they did if it goes back',
    mend: 'install nftables on this node and let its agent run as root; or approve, and keep clients out yourself during each stop',
    approvable: true,
  },
  clientsNotKeptOut: {
    pattern: 'NODE/clients-not-kept-out',
    severity: 'warns',
    guide: 'G25 B2',
    would: 'users would work on a server that is still being proven, and lose what they did if it goes back',
    mend: 'say close: firewall below cutover in the cluster file, or keep clients out yourself during each stop',
    approvable: false,
  },
} as const satisfies Record<string, KindOfFinding>;
