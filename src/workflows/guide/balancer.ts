import { firstNode, joiningNodes } from '../../cluster/names.js';
import type { Cluster } from '../guide.js';
import type { Runner } from '../runner.js';
import { balancerDesired } from './balanced.js';
import { probeLockout, probeThroughBalancer } from './probes.js';

/** G25: only when the servers work, the balancer; nodes are let in one by one, the master last and as backup. */
export async function admitNodes(run: Runner, cluster: Cluster): Promise<void> {
  const { file, on } = cluster;
  const desired = balancerDesired(file);
  if (desired === null) return;
  await run.step('balancer', on.control, desired, { title: 'HAProxy', guide: 'G25 G26 B5 B6 B7' });
  const order = [...joiningNodes(file), firstNode(file)];
  for (const node of order) {
    await run.step(
      'admission',
      on.control,
      { file: desired.file, node: node.id },
      { title: `node ${node.id} let in`, guide: 'G25', label: node.id },
    );
    await probeThroughBalancer(run, cluster, node);
    // two clients surely meet the same node while there is only one
    if (node === order[0]) await probeLockout(run, cluster);
  }
}
