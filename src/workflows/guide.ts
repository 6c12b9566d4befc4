import { machinesOf, type Machines } from '../cluster/names.js';
import type { ClusterFile } from '../cluster/schema.js';
import { admitNodes } from './guide/balancer.js';
import { moveClients } from './guide/clients.js';
import { prepareDatabases } from './guide/databases.js';
import { equalLicences, installNodes, licenseNodes, shareSessions } from './guide/installation.js';
import { configureFirstNode, watchdogAgain } from './guide/first-node.js';
import { joinNodes, localEverywhere, oneMaster, survivesRestart } from './guide/joining.js';
import { moveFirstNode } from './guide/production.js';
import { probeOutsideFromAll } from './guide/probes.js';
import { preflight } from './guide/preflight.js';
import { prepareMachines, prepareShare, proveShare } from './guide/share.js';
import type { Runner } from './runner.js';

/** What the parts of the guide work with. */
export interface Cluster {
  readonly file: ClusterFile;
  readonly on: Machines;
}

/**
 * Single machines become one cluster that serves mail behind a balancer: Order 1 of the procedure where the first node
 * serves nobody yet, Order 2 where it is in production. Written once; the planner and the rollout run it.
 */
export async function guide(run: Runner, file: ClusterFile): Promise<void> {
  const cluster: Cluster = { file, on: machinesOf(file) };

  run.phase('Preflight');
  await preflight(run, cluster);

  run.phase('Share');
  await prepareShare(run, cluster);

  run.phase('Databases');
  await prepareDatabases(run, cluster);

  run.phase('Machines');
  await prepareMachines(run, cluster);
  const speed = await proveShare(run, cluster);

  run.phase('Installation');
  await installNodes(run, cluster);
  await licenseNodes(run, cluster);
  await shareSessions(run, cluster);

  run.phase('First node');
  const moved =
    file.cutover === undefined
      ? await configureFirstNode(run, cluster, speed)
      : await moveFirstNode(run, cluster, file.cutover, speed);

  run.phase('Other nodes');
  await joinNodes(run, cluster, moved);

  run.phase('One cluster');
  await oneMaster(run, cluster);
  await localEverywhere(run, cluster);
  await equalLicences(run, cluster, 'licences-joined');
  await survivesRestart(run, cluster);
  await watchdogAgain(run, cluster);
  await probeOutsideFromAll(run, cluster);

  run.phase('Balancer');
  await admitNodes(run, cluster);

  if (file.public === undefined) return;
  run.phase('Clients');
  await moveClients(run, cluster);
}
