import type { ServiceName } from '../../cluster/services.js';

/** One protocol that the balancer carries from its own port to the nodes' port. */
export interface BalancedService {
  readonly name: ServiceName;
  readonly port: number;
  readonly nodePort: number;
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
}
