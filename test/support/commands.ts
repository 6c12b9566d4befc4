import { spawnSync } from 'node:child_process';

/** How {@link output} runs a command. */
export interface OutputOptions {
  readonly cwd?: string;
  readonly input?: Buffer;
  /** Exit codes that are answers, not failures; default only 0. */
  readonly accept?: readonly number[];
}

/**
 * What a command printed, as bytes: file names need not be text.
 *
 * @throws Error with what it said on standard error when it ends with another exit code than the accepted ones
 */
export function output(file: string, args: readonly string[], options: OutputOptions = {}): Buffer {
  const { accept = [0], ...rest } = options;
  const result = spawnSync(file, args, { ...rest, maxBuffer: 2 ** 31, env: { ...process.env, LC_ALL: 'C' } });
  if (result.error !== undefined) throw result.error;
  if (!accept.includes(result.status ?? -1)) {
    throw new Error(`${file} ended with ${result.status ?? result.signal}: ${result.stderr.toString('latin1').trim()}`);
  }
  return result.stdout;
}
