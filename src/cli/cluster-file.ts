import { readFile } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { formatProblem, loadCluster } from '../cluster/load.js';
import type { ClusterFile } from '../cluster/schema.js';

/** @throws RolloutError CLUSTER_FILE with every problem as file:line:column. */
export async function readClusterFile(file: string): Promise<ClusterFile> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new RolloutError(
      'CLUSTER_FILE',
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    );
  }
  const loaded = loadCluster(text, file);
  if (!loaded.ok) throw new RolloutError('CLUSTER_FILE', loaded.problems.map(formatProblem).join('\n'));
  return loaded.cluster;
}
