import type { NodePreflight } from '../../activities/node-preflight.js';
import type { Cluster } from '../guide.js';
import { judgeDatabase } from '../preflight/judge-database.js';
import { judgeNodes, portsOf } from '../preflight/judge-nodes.js';
import type { Runner } from '../runner.js';
import { stateFindings } from './preflight-state.js';

/**
 * Before anything is changed: what would stop the rollout later, or spoil its result (procedure, order 1, step 1). The
 * rollout is held while something that stops it is there and nobody has approved of it.
 */
export async function preflight(run: Runner, cluster: Cluster): Promise<void> {
  const { file, on } = cluster;
  const { icewarp, share, database } = file;
  const { named, usual } = portsOf(file);
  await run.findings({ title: 'nothing is in the way', guide: 'B12 B4 G5 G10', label: 'preflight' }, async () => {
    const shown = new Map<string, NodePreflight>();
    await run.each(on.nodes, async (node) => {
      const spec = file.nodes.find(({ id }) => id === node.name);
      if (spec === undefined) return;
      const facts = await run.look(
        'nodePreflight',
        node,
        {
          directory: icewarp.directory,
          local: icewarp.local,
          point: share.mount,
          address: spec.address,
          host: spec.host,
          ports: [...named, ...usual],
        },
        { title: 'system, room, ports, names, scheduled jobs', guide: 'B12 B4 G10' },
      );
      if (facts !== null) shown.set(node.name, facts);
    });
    const { host, port, administrator, names, user } = database;
    const server = await run.look(
      'databasePreflight',
      on.control,
      { host, port, administrator, user, databases: Object.values(names) },
      { title: 'database server', guide: 'G4 G5' },
    );
    // the order of the answers is not that of the nodes
    const inOrder = new Map([...shown].sort(([one], [other]) => (one < other ? -1 : 1)));
    const joined = [...shown.values()].some((facts) => facts.joined);
    const state = await stateFindings(run, cluster, inOrder, server);
    return [...judgeNodes(file, inOrder), ...judgeDatabase(file, server, joined), ...state];
  });
}
