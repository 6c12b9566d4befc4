import type { OwnConnections } from '../../activities/own-connections.js';
import { specOf } from '../../cluster/names.js';
import type { Cluster } from '../guide.js';
import { portsOf } from '../preflight/judge-nodes.js';
import type { Runner } from '../runner.js';
import { resolversOf } from './outside.js';

/**
 * The clients move last (B13; order 1, step 14; order 2, step 15). DNS is changed by whoever keeps it: the step is held
 * with what is to be changed, and may be skipped where nothing is published yet.
 */
export async function moveClients(run: Runner, cluster: Cluster): Promise<void> {
  const { file, on } = cluster;
  const { public: side, balancer } = file;
  const address = side?.address ?? balancer.address;
  if (side === undefined || address === undefined || side.names.length === 0) return;
  await run.step(
    'clientNames',
    on.control,
    { names: side.names, address, ...resolversOf(side) },
    { title: 'the clients’ names lead to the balancer', guide: 'B13 G26', skippable: true },
  );
  await nobodyDirect(run, cluster);
}

/** No client is left on a node's own address, where it would notice every restart of that node. */
async function nobodyDirect(run: Runner, { file, on }: Cluster): Promise<void> {
  const { named, usual } = portsOf(file);
  await run.rule(
    {
      title: 'no client is connected past the balancer',
      guide: 'B13 G26',
      label: 'own-addresses',
      after: 'clientNames',
      skippable: true,
    },
    async () => {
      const about = { title: 'addresses of the balancer’s machine', guide: 'B13' };
      const machine = await run.look('balancerAddresses', on.control, {}, about);
      const balancer = [file.public?.address, file.balancer.address].filter((one) => one !== undefined);
      const left: string[] = [];
      for (const node of on.nodes) {
        const spec = specOf(file, node);
        const others = file.nodes.filter((one) => one !== spec).map((one) => one.address);
        const found = await run.look(
          'ownConnections',
          node,
          {
            address: spec.address,
            ports: [...named, ...usual],
            cluster: [...new Set([...balancer, ...(machine ?? []), ...others])],
          },
          { title: 'connections on the node’s own address', guide: 'B13' },
        );
        if (found !== null && found.inAll > 0) left.push(wordsOf(node.name, found));
      }
      if (left.length === 0) return null;
      return `${left.join('; ')}. Whoever still uses a node’s own address loses the connection when that node stops: see why (an old answer of DNS, an address in a client’s settings, monitoring), then retry, or skip`;
    },
  );
}

function wordsOf(node: string, { inAll, from }: OwnConnections): string {
  const more = inAll > from.length ? ` and ${inAll - from.length} more` : '';
  const first = from.map(({ address, port }) => `${address} (port ${port})`).join(', ');
  return `node ${node} serves ${inAll} connections that did not come through the balancer: from ${first}${more}`;
}
