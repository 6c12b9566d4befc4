import { RolloutError } from '../cluster/errors.js';
import { runCommand, type RunOptions } from '../platform/run.js';

/** The user that the mail server's processes run as. */
export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
}

/** Milliseconds per command: a share that is this slow serves nobody. */
const TIMEOUT = 30_000;

/** Only a process of that user proves anything; it starts where it may be, because our own folder may be private. */
export function asProcessUser({ uid, gid }: ProcessUser, signal: AbortSignal, timeout = TIMEOUT): RunOptions {
  return { signal, timeout, uid, gid, cwd: '/' };
}

/** Writes a file as that user, on disk when it returns. */
export async function writeSynced(file: string, text: string, options: RunOptions): Promise<void> {
  await runCommand('dd', [`of=${file}`, 'conv=fsync', 'status=none'], { ...options, input: text });
}

/** What it means that a command which works in a folder of the share as that user has failed. */
export function unworkable(folder: string, uid: number, error: unknown): unknown {
  if (!(error instanceof RolloutError)) return error;
  if (error.code === 'COMMAND_TIMEOUT') {
    return new RolloutError('SHARE_UNREACHABLE', `${folder} does not answer`, { cause: error });
  }
  if (error.code !== 'COMMAND_FAILED') return error;
  const expected = 'expected: create, write, rename and delete';
  return new RolloutError('FOLDER_UNWRITABLE', `uid ${uid} cannot work in ${folder}; ${expected}`, { cause: error });
}
