import type { BalancerDesired } from '../../platform/haproxy/desired.js';
import type { ClientAddress, ClusterFile } from '../../cluster/schema.js';
import { SERVICES, type ServiceName } from '../../cluster/services.js';

/** One service as the cluster file means it: its ports, and whose address the nodes see on it (B7). */
export interface Balanced {
  readonly name: ServiceName;
  readonly port: number;
  readonly nodePort: number;
  readonly clientAddress: ClientAddress;
}

/** The services behind the balancer, with everything that the file leaves to its defaults. Pure. */
export function balancedServices({ balancer: { services = [], clientAddress } }: ClusterFile): readonly Balanced[] {
  return services.map(({ name, port, nodePort, clientAddress: own }) => ({
    name,
    port: port ?? SERVICES[name].port,
    nodePort: nodePort ?? SERVICES[name].port,
    // files of rollouts that began with an earlier version do not say
    clientAddress: own ?? (clientAddress as ClientAddress | undefined) ?? 'hidden',
  }));
}

/** Where SMTP answers on the nodes, and whose address it sees there; also where the balancer does not carry it. */
function smtpOnNodes(file: ClusterFile): Pick<Balanced, 'nodePort' | 'clientAddress'> {
  const smtp = balancedServices(file).find(({ name }) => name === 'smtp');
  return smtp ?? { nodePort: SERVICES.smtp.port, clientAddress: 'hidden' };
}

/** What the balancer shall do (G25); null where the product sets up none. Pure. */
export function balancerDesired(file: ClusterFile): BalancerDesired | null {
  return file.balancer.kind === 'none' ? null : balancingOf(file);
}

/** What any balancer of this cluster has to do; null where the file says too little. Pure. */
export function balancingOf(file: ClusterFile): BalancerDesired | null {
  const { address, services, file: path } = file.balancer;
  const [probe] = file.mail.probes;
  if (address === undefined || services === undefined || probe === undefined) return null;
  const { nodePort, clientAddress } = smtpOnNodes(file);
  return {
    file: path,
    address,
    services: balancedServices(file),
    nodes: file.nodes.map(({ id, address: at, weight, role }) => ({
      id,
      address: at,
      weight,
      backup: role === 'master',
    })),
    accounts: { recipient: `${probe.name}@${file.mail.domain}`, port: nodePort, clientAddress },
  };
}
