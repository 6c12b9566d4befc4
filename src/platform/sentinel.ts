import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { SENTINEL } from '../cluster/names.js';
import { runCommand } from './run.js';

/** Milliseconds: longer than a share needs, shorter than patience. */
const TIMEOUT = 20_000;

/** What the sentinel file of a cluster's share says (B8). */
export function sentinelText(cluster: string): string {
  return `IceWarp cluster: ${cluster}\n`;
}

/**
 * The cluster that the sentinel below `root` names, its last word; null when there is no such file. Read by a command,
 * because a share whose server died blocks the process that reads, for as long as it likes.
 *
 * @throws RolloutError SHARE_UNREACHABLE when the share does not answer.
 */
export async function readSentinel(root: string, signal: AbortSignal): Promise<string | null> {
  try {
    const args = ['-c', '500', '--', join(root, SENTINEL)];
    const { exitCode, stdout } = await runCommand('head', args, { signal, timeout: TIMEOUT, accept: [0, 1] });
    return exitCode === 0 ? (stdout.trim().split(/\s+/).at(-1) ?? '') : null;
  } catch (error) {
    if (!(error instanceof RolloutError) || error.code !== 'COMMAND_TIMEOUT') throw error;
    throw new RolloutError('SHARE_UNREACHABLE', `the share at ${root} does not answer`, { cause: error });
  }
}
