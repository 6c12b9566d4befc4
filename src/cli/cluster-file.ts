import { readFile } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { formatProblem, loadCluster } from '../cluster/load.js';
import type { ClusterFile } from '../cluster/schema.js';

/** A cluster file's text. @throws RolloutError CLUSTER_FILE when it cannot be read. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new RolloutError('CLUSTER_FILE', `${file} cannot be read (${code})`);
  }
}

/** @throws RolloutError CLUSTER_FILE with every problem as file:line:column. */
export async function readClusterFile(file: string): Promise<ClusterFile> {
  const loaded = loadCluster(await readText(file), file);
  if (!loaded.ok) throw new RolloutError('CLUSTER_FILE', loaded.problems.map(formatProblem).join('\n'));
  return loaded.cluster;
}
