import { machinesOf } from '../cluster/names.js';
import type { ClusterFile } from '../cluster/schema.js';
import { guide } from './guide.js';
import { preflight } from './guide/preflight.js';
import { PlanningRunner, type Plan } from './planner.js';
import { risksOf } from './risks.js';

export interface PlanInput {
  readonly cluster: ClusterFile;
  readonly version: string;
  /** Also prove, with real clients, what can be proven without disturbing anybody. */
  readonly prove?: boolean;
  /** Only what is looked at before the first change. */
  readonly only?: 'preflight';
}

/** Looks at every machine and changes nothing. */
export async function plan({ cluster, version, prove = false, only }: PlanInput): Promise<Plan> {
  const runner = new PlanningRunner(prove);
  if (only === undefined) await guide(runner, cluster);
  else {
    runner.phase('Preflight');
    await preflight(runner, { file: cluster, on: machinesOf(cluster) });
  }
  const { steps, found } = runner;
  const findings = found.length === 0 ? {} : { findings: found };
  return { cluster: cluster.name, version, steps, risks: risksOf(cluster), ...findings };
}
