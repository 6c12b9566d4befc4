import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { SENTINEL } from '../cluster/names.js';
import { runCommand, type RunOptions, type RunResult } from './run.js';

/** Milliseconds: longer than a share needs, shorter than patience. */
const PATIENCE = 20_000;

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

/**
 * Bytes of a file that may be on a share; null when there is none.
 *
 * @throws RolloutError SHARE_UNREACHABLE when the share does not answer.
 */
export async function sizeOnShare(file: string, signal: AbortSignal): Promise<number | null> {
  const args = ['--dereference', '--format=%s', '--', file];
  const { exitCode, stdout, stderr } = await lookAtShare('stat', args, file, { signal, timeout: PATIENCE });
  if (exitCode === 0) return Number(stdout);
  if (/: (No such file or directory|Not a directory)$/m.test(stderr)) return null;
  throw new RolloutError('COMMAND_FAILED', `${file} cannot be looked at`, { cause: { exitCode, stderr } });
}

/** What a file system still takes; `files` is null where it has no such limit, or does not tell it. */
export interface Room {
  readonly bytes: number;
  readonly files: number | null;
}

/**
 * The room on the file system of a folder, which may be on a share.
 *
 * @throws RolloutError SHARE_UNREACHABLE when the share does not answer.
 */
export async function roomOnShare(folder: string, signal: AbortSignal): Promise<Room> {
  const args = ['--file-system', '--format=%a %S %c %d', '--', folder];
  const { exitCode, stdout, stderr } = await lookAtShare('stat', args, folder, { signal, timeout: PATIENCE });
  const [blocks = NaN, size = NaN, nodes = NaN, free = NaN] = stdout.split(' ').map(Number);
  if (exitCode !== 0 || Number.isNaN(free)) {
    throw new RolloutError('COMMAND_FAILED', `the room in ${folder} cannot be looked at`, {
      cause: { exitCode, stderr },
    });
  }
  return { bytes: blocks * size, files: nodes === 0 ? null : free };
}

/** By a command, because a share whose server died blocks the process that looks, for as long as it likes. */
async function lookAtShare(
  file: string,
  args: readonly string[],
  place: string,
  limits: Required<Pick<RunOptions, 'signal' | 'timeout'>>,
): Promise<RunResult> {
  try {
    return await runCommand(file, args, { ...limits, accept: [0, 1], env: { LC_ALL: 'C' } });
  } catch (error) {
    if (!(error instanceof RolloutError) || error.code !== 'COMMAND_TIMEOUT') throw error;
    throw new RolloutError('SHARE_UNREACHABLE', `the share at ${place} does not answer`, { cause: error });
  }
}
