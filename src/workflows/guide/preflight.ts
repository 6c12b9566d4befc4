import { uuid4 } from '@temporalio/workflow';

import type { DatabasePreflight } from '../../activities/database-preflight.js';
import type { NodePreflight } from '../../activities/node-preflight.js';
import type { NodeMeeting } from '../../activities/nodes-meet.js';
import type { SharePreflight } from '../../activities/share-preflight.js';
import { specOf } from '../../cluster/names.js';
import type { ClockReading } from '../clock-reading.js';
import type { Cluster } from '../guide.js';
import { judgeBalancer } from '../preflight/judge-balancer.js';
import { clockOfDatabase, judgeClocks } from '../preflight/judge-clocks.js';
import { judgeDatabase } from '../preflight/judge-database.js';
import { judgeMeeting } from '../preflight/judge-meeting.js';
import { judgeNodes, portsOf } from '../preflight/judge-nodes.js';
import { judgeShare } from '../preflight/judge-share.js';
import type { Runner } from '../runner.js';
import { closingFindings } from './closing.js';
import { lookOutside } from './outside.js';
import { stateFindings } from './preflight-state.js';
import { shownBy } from './shown.js';

/**
 * Before anything is changed: what would stop the rollout later, or spoil its result (procedure, order 1, step 1). The
 * rollout is held while something that stops it is there and nobody has approved of it.
 */
export async function preflight(run: Runner, cluster: Cluster): Promise<void> {
  const { file } = cluster;
  await run.findings({ title: 'nothing is in the way', guide: 'B12 B4 B7 G5 G10', label: 'preflight' }, async () => {
    const nodes = await lookAtNodes(run, cluster);
    const server = await lookAtDatabase(run, cluster);
    const share = await lookAtShare(run, cluster);
    const meetings = await letNodesMeet(run, cluster, nodes);
    const clocks = await readClocks(run, cluster, server);
    const state = await stateFindings(run, cluster, nodes, server);
    const closing = await closingFindings(run, cluster, nodes);
    const outside = await lookOutside(run, cluster);
    const joined = [...nodes.values()].some((facts) => facts.joined);
    return [
      ...judgeNodes(file, nodes),
      ...judgeMeeting(file, meetings),
      ...judgeClocks(clocks),
      ...judgeShare(file, share),
      ...judgeDatabase(file, server, joined),
      ...judgeBalancer(file),
      ...state,
      ...closing,
      ...outside,
    ];
  });
}

/** What each node shows, by its id; one that could not be looked at is missing. */
async function lookAtNodes(run: Runner, { file, on }: Cluster): Promise<ReadonlyMap<string, NodePreflight>> {
  const { icewarp, share } = file;
  const { named, usual } = portsOf(file);
  return shownBy(run, on.nodes, (node) => {
    const { address, host } = specOf(file, node);
    return run.look(
      'nodePreflight',
      node,
      {
        directory: icewarp.directory,
        local: icewarp.local,
        point: share.mount,
        address,
        host,
        ports: [...named, ...usual],
      },
      { title: 'system, room, ports, names, scheduled jobs', guide: 'B12 B4 G10' },
    );
  });
}

async function lookAtDatabase(run: Runner, { file, on }: Cluster): Promise<DatabasePreflight | null> {
  const { host, port, administrator, names, user } = file.database;
  return run.look(
    'databasePreflight',
    on.control,
    { host, port, administrator, user, databases: Object.values(names) },
    { title: 'database server', guide: 'G4 G5' },
  );
}

async function lookAtShare(run: Runner, { file, on }: Cluster): Promise<SharePreflight | null> {
  const { host, port, path } = file.share;
  if (on.share === undefined || host === undefined) return null;
  return run.look('sharePreflight', on.share, { path, host, port }, { title: 'share server', guide: 'G6 G7 B8' });
}

/**
 * TCP and UDP from every node to every other (rule 9). Only those are asked to come that have just answered, and are at
 * their own addresses: the others would wait for a node that cannot be met.
 */
async function letNodesMeet(
  run: Runner,
  { file, on }: Cluster,
  shown: ReadonlyMap<string, NodePreflight>,
): Promise<Map<string, NodeMeeting>> {
  const met = new Map<string, NodeMeeting>();
  const comes = (id: string): boolean => {
    const facts = shown.get(id);
    return facts !== undefined && !facts.elsewhere;
  };
  const coming = on.nodes.filter(({ name }) => comes(name));
  if (coming.length < 2) return met;
  const hosts = file.nodes.filter(({ id }) => comes(id)).map(({ id, address }) => ({ name: id, address }));
  const about = { title: 'nodes reach each other by TCP and UDP', guide: 'B12', label: 'nodes-meet' };
  const outputs = await run.lookTogether(about, () => {
    const token = uuid4();
    return coming.map((node) => ({
      action: 'nodesMeet' as const,
      on: node,
      input: {
        token,
        node: node.name,
        address: hosts.find(({ name }) => name === node.name)?.address ?? '',
        others: hosts.filter(({ name }) => name !== node.name),
        directory: file.icewarp.directory,
        ports: portsOf(file).named,
      },
    }));
  });
  for (const [index, { name }] of coming.entries()) {
    const output = outputs[index] ?? null;
    if (output !== null) met.set(name, output);
  }
  return met;
}

/** Rule 5: one after the other, because a busy machine tells its time late. */
async function readClocks(
  run: Runner,
  { on }: Cluster,
  server: DatabasePreflight | null,
): Promise<Map<string, ClockReading>> {
  const clocks = new Map<string, ClockReading>();
  const control = await run.clock(on.control);
  if (control !== null) {
    clocks.set('the control machine', control);
    if (server !== null) clocks.set('the database server', clockOfDatabase(control, server.clock));
  }
  const others = [
    ...on.nodes.map((node) => ({ on: node, name: `node ${node.name}` })),
    ...(on.share === undefined ? [] : [{ on: on.share, name: 'the share server' }]),
  ];
  for (const { on: machine, name } of others) {
    const clock = await run.clock(machine);
    if (clock !== null) clocks.set(name, clock);
  }
  return clocks;
}
