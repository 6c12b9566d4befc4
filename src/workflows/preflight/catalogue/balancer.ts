import type { KindOfFinding } from './kind.js';

/** What a preflight knows of the balancer. */
export const BALANCER_FINDINGS = {
  clientAddressHidden: {
    pattern: 'control/balancer/client-address-hidden',
    severity: 'stops',
    guide: 'B7',
    would:
      'for every node all mail of the world would come from the balancer: SPF and DNSBL judge it, blocking one sender blocks everybody, and trusting its network is an open relay',
    mend: 'say clientAddress: proxy or transparent for smtp, where the nodes can take it; or approve, and exempt the balancer’s address on every node from SPF, DNSBL and intrusion prevention, without trusting it to relay',
    approvable: true,
  },
} as const satisfies Record<string, KindOfFinding>;
