import { firstNode, joiningNodes } from '../../cluster/names.js';
import { SERVICES } from '../../cluster/services.js';
import type { Cluster } from '../guide.js';
import type { Runner } from '../runner.js';
import { probeThroughBalancer } from './probes.js';

/** G25: only when the servers work, the balancer; nodes are let in one by one, the master last and as backup. */
export async function admitNodes(run: Runner, cluster: Cluster): Promise<void> {
  const { file, on } = cluster;
  const { kind, address, services, file: path } = file.balancer;
  if (kind === 'none' || address === undefined || services === undefined) return;
  await run.step(
    'balancer',
    on.control,
    {
      file: path,
      address,
      services: services.map(({ name, port, nodePort }) => ({
        name,
        port: port ?? SERVICES[name].port,
        nodePort: nodePort ?? SERVICES[name].port,
      })),
      nodes: file.nodes.map(({ id, address: at, weight, role }) => ({
        id,
        address: at,
        weight,
        backup: role === 'master',
      })),
    },
    { title: 'HAProxy', guide: 'G25 G26 B5' },
  );
  for (const node of [...joiningNodes(file), firstNode(file)]) {
    await run.step(
      'admission',
      on.control,
      { file: path, node: node.id },
      { title: `node ${node.id} let in`, guide: 'G25', label: node.id },
    );
    await probeThroughBalancer(run, cluster, `with ${node.id}`);
  }
}
