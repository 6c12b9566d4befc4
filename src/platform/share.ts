import { RolloutError } from '../cluster/errors.js';
import type { Room } from '../cluster/room.js';
import { runCommand, type RunOptions, type RunResult } from './run.js';

/** Milliseconds that a look at a share may take: longer than a share needs. */
export const PATIENCE = 20_000;

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

/**
 * Looks by a command, because a share whose server died blocks the process that looks, for as long as it likes.
 *
 * @throws RolloutError SHARE_UNREACHABLE when it does not answer in time.
 */
export async function lookAtShare(
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
