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
  return [notClosed(cluster), clientHidden(cluster), ...clientsMove(cluster)];
}

function clientsMove({ nodes, balancer, public: side }: ClusterFile): readonly Risk[] {
  if (side === undefined || side.names.length === 0) return [];
  const to = side.address ?? balancer.address ?? 'the balancer';
  return [
    {
      guide: 'B13',
      risk: `You change DNS, not the rollout: it is held at the end until ${side.names.join(', ')} lead${side.names.length === 1 ? 's' : ''} to ${to}. Clients and caches keep the old answer for its TTL and some for longer, on a way back too; who is connected past the balancer is looked for once, on ${nodes.map(({ id }) => id).join(', ')}, not over days`,
      check:
        'lower the TTLs days before; serve on the old address until the TTL is over, and longer for clients that ignore it; on a rollback put the records back first: it is held until then',
    },
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
