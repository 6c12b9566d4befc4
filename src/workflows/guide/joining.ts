import { firstNode, joiningNodes, localFolders, machineOf, type Machine } from '../../cluster/names.js';
import type { NodeSpec } from '../../cluster/schema.js';
import type { Cluster } from '../guide.js';
import type { Runner } from '../runner.js';
import { pathDatOf } from './path-dat.js';
import { probeOldMessages, refreshCounts } from './old-messages.js';
import { probeNodeAlone, probePairsWith, probeViewsWith } from './probes.js';

/**
 * The other nodes, one after the other: path.dat, start, mail in both directions, and one view of it (Order 1, steps 10
 * and 11).
 *
 * @param moved whether the first node brought mail along, which every node has to show.
 */
export async function joinNodes(run: Runner, cluster: Cluster, moved: boolean): Promise<void> {
  const first = firstNode(cluster.file);
  const joined: NodeSpec[] = [first];
  await probeNodeAlone(run, cluster, first);
  if (moved) await probeOldMessages(run, cluster, first);
  for (const node of joiningNodes(cluster.file)) {
    await join(run, cluster, node);
    await probeNodeAlone(run, cluster, node);
    await probePairsWith(run, cluster, node, joined);
    await probeViewsWith(run, cluster, node, first);
    if (moved) await probeOldMessages(run, cluster, node);
    joined.push(node);
  }
  if (moved) await refreshCounts(run, cluster);
}

async function join(run: Runner, { file, on }: Cluster, spec: NodeSpec): Promise<void> {
  const node = machineOf(on, spec);
  const { directory } = file.icewarp;
  await run.step('pathDat', node, pathDatOf(file, spec.id), {
    title: 'path.dat: joins the shared configuration',
    guide: 'G17 G18 G20 G21',
  });
  await run.step(
    'services',
    node,
    { directory, running: true },
    { title: 'services on the shared configuration', guide: 'G11', label: 'shared' },
  );
  await knowsItsConfiguration(run, { file, on }, node);
}

/**
 * After every start on the shared configuration, before anything is proven there: it is the one that was copied (G23;
 * procedure, rule 1). A server that took its defaults instead answers 550 to mail for real users.
 */
export async function knowsItsConfiguration(
  run: Runner,
  { file }: Cluster,
  node: Machine<'node'>,
  when = '',
): Promise<void> {
  const { directory } = file.icewarp;
  const title = `node ${node.name} runs on the shared configuration, not on defaults`;
  await run.rule(
    { title, guide: 'G20 G23', label: `configuration-${node.name}${when}`, after: 'pathDat' },
    async () => {
      const facts = await run.look(
        'nodeFacts',
        node,
        { directory },
        { title: 'configuration and domains in force', guide: 'G23', label: `configuration${when}` },
      );
      if (facts === null) return null; // the plan of a node without IceWarp
      if (facts.defaultConfig)
        return `node ${node.name} took the default configuration instead of the one on the share`;
      return facts.domains > 0 ? null : `node ${node.name} knows no domain on the configuration that it took`;
    },
  );
}

/** G18: exactly one master; and the paths in force are the same everywhere (procedure, rule 4). */
export async function oneMaster(run: Runner, { file, on }: Cluster): Promise<void> {
  const { directory } = file.icewarp;
  await run.rule(
    { title: 'one master, one configuration', guide: 'G3 G18', label: 'one-cluster', after: 'pathDat' },
    async () => {
      const facts = new Map<string, { slave: string; effective: string }>();
      for (const node of on.nodes) {
        const seen = await run.look(
          'nodeFacts',
          node,
          { directory },
          { title: 'role and paths in force', guide: 'G18', label: 'joined' },
        );
        if (seen !== null) facts.set(node.name, { slave: seen.slave, effective: JSON.stringify(seen.effective) });
      }
      if (facts.size < on.nodes.length) return null; // the plan of a cluster that is not there yet
      const masters = [...facts].filter(([, { slave }]) => slave === '0').map(([name]) => name);
      if (masters.length > 1) return `${masters.join(' and ')} are both master: their scheduled jobs would run twice`;
      if (masters.length === 0) return 'no node is the master: nobody runs the scheduled jobs';
      const kinds = new Set([...facts.values()].map(({ effective }) => effective));
      return kinds.size > 1 ? 'the settings in force are not the same on every node' : null;
    },
  );
}

/** What must never be common to two nodes is each node's own, and can be written (procedure, rules 3 and 4). */
export async function localEverywhere(run: Runner, { file, on }: Cluster): Promise<void> {
  const { directory } = file.icewarp;
  const { uid, gid } = file.share;
  const folders = Object.values(localFolders(file));
  await run.rule(
    { title: 'Temp, Logs and queues are local on every node', guide: 'G3 G14 B2', label: 'local', after: 'pathDat' },
    async () => {
      const broken: string[] = [];
      for (const node of on.nodes) {
        const title = 'Temp, Logs and queues after joining';
        const found = await run.look('localPlaces', node, { directory, folders, uid, gid }, { title, guide: 'G14 B2' });
        broken.push(...(found?.broken ?? []).map((words) => `${node.name}: ${words}`));
      }
      return broken.length === 0 ? null : broken.slice(0, 6).join('; ');
    },
  );
}

/** Order 1, step 12: nodes start by themselves, and one that was restarted comes back healthy. */
export async function survivesRestart(run: Runner, cluster: Cluster): Promise<void> {
  const { file, on } = cluster;
  const { directory } = file.icewarp;
  const enabled = new Set<string>();
  await run.each(on.nodes, async (node) => {
    const changed = await run.step(
      'autostart',
      node,
      { service: 'icewarp', enabled: true },
      { title: 'services start with the machine', guide: 'G11' },
    );
    if (changed) enabled.add(node.name);
  });
  // once, when it joins: a later start for something else does not disturb the users of a running node
  const last = joiningNodes(file).at(-1) ?? firstNode(file);
  const node = machineOf(on, last);
  if (!enabled.has(node.name)) return;
  await run.act('restartServices', node, { directory }, { title: 'restarted once', guide: 'G11 G23', disturbs: true });
  await knowsItsConfiguration(run, cluster, node, '-restarted');
  await probeNodeAlone(run, cluster, last, 'restarted');
}
