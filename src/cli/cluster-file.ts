import { RolloutError } from '../cluster/errors.js';
import { formatProblem, loadCluster, MAX_LENGTH } from '../cluster/load.js';
import type { ClusterFile } from '../cluster/schema.js';
import { NotTaken, readAtMost } from './bounded-file.js';

/** A cluster file's text. @throws RolloutError CLUSTER_FILE when it cannot be read, is too long or no text. */
export async function readText(file: string): Promise<string> {
  try {
    return await readAtMost(file, MAX_LENGTH);
  } catch (error) {
    if (error instanceof NotTaken) throw new RolloutError('CLUSTER_FILE', `${file} ${error.message}`);
    throw error;
  }
}

/** @throws RolloutError CLUSTER_FILE with every problem as file:line:column. */
export async function readClusterFile(file: string): Promise<ClusterFile> {
  const loaded = loadCluster(await readText(file), file);
  if (!loaded.ok) throw new RolloutError('CLUSTER_FILE', loaded.problems.map(formatProblem).join('\n'));
  return loaded.cluster;
}
