import type { ClientAddress } from '../../cluster/schema.js';
import type { ServiceName } from '../../cluster/services.js';

/** One protocol that the balancer carries from its own port to the nodes' port. */
export interface BalancedService {
  readonly name: ServiceName;
  readonly port: number;
  readonly nodePort: number;
  /** Whose address the nodes see (B7); default hidden. */
  readonly clientAddress?: ClientAddress;
}

/** How HAProxy finds a node that has lost the accounts database although its ports answer (procedure, rule 14). */
export interface AccountsCheck {
  /** An account's address, which a node that knows its accounts takes as a recipient. Nothing is sent to it. */
  readonly recipient: string;
  /** SMTP on the nodes. */
  readonly port: number;
  readonly clientAddress?: ClientAddress;
}

/** One node behind the balancer. The backup (the master, B6) is used only while no other node can be. */
export interface BalancedNode {
  readonly id: string;
  readonly address: string;
  readonly weight: number;
  readonly backup: boolean;
}

/** What the balancer shall do (G25). Which nodes are let in is not part of it: that is `admission`. */
export interface BalancerDesired {
  /** HAProxy's configuration file; it becomes ours as a whole. */
  readonly file: string;
  /** The only address that clients know (G26). */
  readonly address: string;
  readonly services: readonly BalancedService[];
  readonly nodes: readonly BalancedNode[];
  /** Not there in rollouts that began with an earlier version. */
  readonly accounts?: AccountsCheck;
}
