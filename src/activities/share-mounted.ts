import { RolloutError } from '../cluster/errors.js';
import { readSentinel } from '../platform/sentinel.js';

/**
 * Stands before every change of files on the share: without the mount its folders are an empty place on the node's own
 * disk, where a copy helps nobody and nothing is found to take back (B8; procedure, rule 17).
 *
 * @throws RolloutError SHARE_NOT_MOUNTED unless the sentinel at the mount point names the cluster.
 */
export async function assertShareMounted(mount: string, cluster: string, signal: AbortSignal): Promise<void> {
  const found = await readSentinel(mount, signal);
  if (found === cluster) return;
  const shows = found === null ? 'no sentinel' : `the sentinel of cluster ${found}`;
  throw new RolloutError('SHARE_NOT_MOUNTED', `${mount} shows ${shows}; expected is that of cluster ${cluster}`);
}
