import type { ClusterFile } from '../cluster/schema.js';
import { guide } from './guide.js';
import { PlanningRunner, type Plan } from './planner.js';
import { risksOf } from './risks.js';

export interface PlanInput {
  readonly cluster: ClusterFile;
  readonly version: string;
  /** Also prove, with real clients, what can be proven without disturbing anybody. */
  readonly prove?: boolean;
}

/** Looks at every machine and changes nothing. */
export async function plan({ cluster, version, prove = false }: PlanInput): Promise<Plan> {
  const runner = new PlanningRunner(prove);
  await guide(runner, cluster);
  return { cluster: cluster.name, version, steps: runner.steps, risks: risksOf(cluster) };
}
