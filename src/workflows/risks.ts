import type { ClusterFile } from '../cluster/schema.js';
import { SERVICES } from '../cluster/services.js';

/** What the product cannot do yet and the operator has to see to (contract "closed" of the procedure; B7). */
export interface Risk {
  /** Requirements that it leaves open. */
  readonly guide: string;
  readonly risk: string;
  /** What to look at before and after. */
  readonly check: string;
}

/** The risks that a rollout of this cluster leaves with the operator, in words. Pure. */
export function risksOf(cluster: ClusterFile): readonly Risk[] {
  return [
    notClosed(cluster),
    clientHidden(cluster),
    ...(cluster.mail.outside === undefined ? [outboundUnproven(cluster)] : []),
  ];
}

function notClosed({ nodes, balancer: { kind, services } }: ClusterFile): Risk {
  const addresses = nodes.map(({ id, address }) => `${id} (${address})`).join(', ');
  const ports = services?.map(({ name, nodePort }) => `${name} ${nodePort ?? SERVICES[name].port}`).join(', ');
  const until = kind === 'none' ? 'at any time' : 'before they enter the balancer';
  return {
    guide: 'G25',
    risk: `The nodes are not closed by a firewall ${until}: whoever knows the address of ${addresses} reaches ${ports === undefined ? 'its mail services' : `its services (${ports})`}, also while it is being set up`,
    check:
      'until the rollout has finished, let only the control machine and the nodes themselves reach these ports, and see that no MX or other DNS name points to a node',
  };
}

function clientHidden({ balancer: { kind, address } }: ClusterFile): Risk {
  const balancer = address === undefined ? 'balancer' : `balancer (${address})`;
  return {
    guide: 'B7',
    risk:
      kind === 'none'
        ? 'A balancer of your own may show the nodes its address instead of the client’s: antispam (SPF, DNSBL), blocking, relay rules and logs would then judge the balancer'
        : `The nodes see the address of the ${balancer} instead of the client’s: antispam (SPF, DNSBL), blocking, relay rules and logs judge the balancer`,
    check:
      'on every node, the balancer’s address is not among the trusted or relay hosts (that is an open relay) and is exempt from intrusion prevention and tarpitting (else one attacker locks everybody out); from outside and without logging in, a recipient in a foreign domain is refused with 5xx',
  };
}

function outboundUnproven({ nodes }: ClusterFile): Risk {
  const ids = nodes.map(({ id }) => id).join(', ');
  return {
    guide: 'G25',
    risk: `Mail to other domains is not proven: the cluster file names no mailbox outside (mail.outside), so a node (${ids}) whose outgoing mail is stuck or refused elsewhere is not noticed`,
    check:
      'send a message from an account on every node to a mailbox of another provider and see it arrive once, and not among the spam; or name such a mailbox',
  };
}
