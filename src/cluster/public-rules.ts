import type { Breach } from './rules.js';
import type { ClusterFile, PublicSide } from './schema.js';

/** The rules for what the Internet and the clients see (B13, G26). Pure. */
export function publicBreaches(cluster: ClusterFile): readonly Breach[] {
  const { public: side } = cluster;
  if (side === undefined) return [];
  return [...nameBreaches(cluster, side), ...addressBreaches(cluster, side), ...outgoingBreaches(cluster, side)];
}

function nameBreaches({ nodes }: ClusterFile, { names }: PublicSide): Breach[] {
  const seen = new Set<string>();
  return names.flatMap((name, index): Breach[] => {
    const path = ['public', 'names', index];
    const key = name.toLowerCase();
    const taken = seen.has(key);
    seen.add(key);
    if (taken) return [{ path, message: `${name} is named twice` }];
    const node = nodes.find(({ host }) => host.toLowerCase() === key);
    if (node === undefined) return [];
    return [{ path, message: `${name} is the host name of node ${node.id}: clients know only the balancer (G26)` }];
  });
}

function addressBreaches({ nodes, balancer }: ClusterFile, { names, address }: PublicSide): Breach[] {
  const leads = address ?? balancer.address;
  if (leads === undefined) {
    if (names.length === 0) return [];
    return [{ path: ['public'], message: 'names need an address to lead to: give address, or balancer.address' }];
  }
  const node = nodes.find((one) => one.address === leads || one.outgoing === leads);
  if (node === undefined || names.length === 0) return [];
  const path = address === undefined ? ['balancer', 'address'] : ['public', 'address'];
  return [{ path, message: `clients know only the balancer (G26): ${leads} is an address of node ${node.id}` }];
}

/** Mail leaves either through one server for all, or from each node. */
function outgoingBreaches({ nodes }: ClusterFile, { smarthost, port25 }: PublicSide): Breach[] {
  if (smarthost === undefined) return [];
  const message = 'with public.smarthost nodes send nowhere else: leave one of both out';
  return [
    ...(port25 === undefined ? [] : [{ path: ['public', 'port25'], message }]),
    ...nodes.flatMap(({ outgoing }, index) =>
      outgoing === undefined ? [] : [{ path: ['nodes', index, 'outgoing'], message }],
    ),
  ];
}
