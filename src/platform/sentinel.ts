import { join } from 'node:path';

import { SENTINEL } from '../cluster/names.js';
import { lookAtShare, PATIENCE } from './share.js';

/** What the sentinel file of a cluster's share says (B8). */
export function sentinelText(cluster: string): string {
  return `IceWarp cluster: ${cluster}\n`;
}

/**
 * The cluster that the sentinel below `root` names, its last word; null when there is no such file.
 *
 * @param patience Milliseconds after which the share counts as not answering.
 * @throws RolloutError SHARE_UNREACHABLE when the share does not answer.
 */
export async function readSentinel(root: string, signal: AbortSignal, patience = PATIENCE): Promise<string | null> {
  const args = ['-c', '500', '--', join(root, SENTINEL)];
  const { exitCode, stdout } = await lookAtShare('head', args, root, { signal, timeout: patience });
  return exitCode === 0 ? (stdout.trim().split(/\s+/).at(-1) ?? '') : null;
}
