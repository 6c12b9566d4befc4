import type { ChildProcess } from 'node:child_process';

import { execa, ExecaError } from 'execa';

import { RolloutError } from '../cluster/errors.js';

export interface RunOptions {
  /** Stops the command, and everything it started, within a second. */
  readonly signal?: AbortSignal;
  /** Milliseconds; default ten minutes: nothing of ours may hang silently. */
  readonly timeout?: number;
  /** Text for standard input: the way for passwords. Without it standard input is empty. */
  readonly input?: string;
  readonly cwd?: string;
  /** Added to the few variables that every command gets (`INHERITED`). */
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  /** Throw its output away: for what starts a daemon, which would keep the pipe open for as long as it lives. */
  readonly silent?: boolean;
  /** Exit codes that are answers, not failures; default only 0. */
  readonly accept?: readonly number[];
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How many milliseconds a process group gets between SIGTERM and SIGKILL. */
const GRACE = 500;

/**
 * How many milliseconds a stopped command is waited for. Not for ever: SIGKILL waits too while the kernel waits for a
 * dead share, and a daemon that left the group may hold the pipe for as long as it lives.
 */
const PATIENCE = 2_000;

/** All that a command gets of our own environment, which may hold secrets: a mail server would hand them on. */
const INHERITED = /^(PATH|HOME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR)$/;

/**
 * Runs a platform command without a shell, in its own process group, and waits for it. On cancellation or time-out
 * the whole group is killed, because killing only the child leaves its children writing; what even that does not end
 * within two seconds is left to itself.
 *
 * @throws RolloutError COMMAND_MISSING when there is no such command, COMMAND_TIMEOUT when it took too long,
 * COMMAND_FAILED for any other exit code than the accepted ones. The message names the command, never its arguments;
 * its output is kept in `cause` for the local log.
 */
export async function runCommand(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { signal, timeout = 600_000, accept = [0] } = options;
  signal?.throwIfAborted();
  const child = execa(file, args, {
    detached: process.platform !== 'win32',
    cleanup: true,
    reject: false,
    stripFinalNewline: true,
    extendEnv: false,
    env: { ...inherited(), ...options.env },
    // A forced end of our own (below) must reach the group, so execa's own kill is not used.
    ...(options.silent === true ? { stdout: 'ignore' as const, stderr: 'ignore' as const } : {}),
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const overdue = new AbortController();
  let giveUp = (): void => undefined;
  const givenUp = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined);
  });
  const stop = (): void => {
    endGroup(child.pid);
    setTimeout(giveUp, PATIENCE).unref();
  };
  const timer = setTimeout(() => {
    overdue.abort();
    stop();
  }, timeout);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const result = await Promise.race([child, givenUp]);
    if (result === undefined) leave(child);
    signal?.throwIfAborted();
    if (overdue.signal.aborted || result === undefined) {
      throw new RolloutError('COMMAND_TIMEOUT', `${file} did not end within ${timeout / 1000} s`);
    }
    if (result.exitCode === undefined) throw startFailure(file, result);
    if (!accept.includes(result.exitCode)) {
      throw new RolloutError('COMMAND_FAILED', `${file} ended with exit code ${result.exitCode}`, {
        cause: outputOf(result),
      });
    }
    return { exitCode: result.exitCode, stdout: result.stdout ?? '', stderr: result.stderr ?? '' };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

function inherited(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => INHERITED.test(name));
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Lets go of a command that cannot be ended, so that it keeps neither a pipe nor this process open. */
function leave(child: Pick<ChildProcess, 'stdin' | 'stdout' | 'stderr' | 'unref'>): void {
  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy();
  child.unref();
}

function startFailure(file: string, result: unknown): RolloutError {
  const missing = result instanceof ExecaError && result.code === 'ENOENT';
  return missing
    ? new RolloutError('COMMAND_MISSING', `there is no command ${file} on this machine`)
    : new RolloutError('COMMAND_FAILED', `${file} could not be run or was killed`);
}

/** What a failed command said, for the local log: without its arguments, which may hold secrets. */
function outputOf({
  exitCode,
  stdout,
  stderr,
}: {
  exitCode?: number | undefined;
  stdout?: string | undefined;
  stderr?: string | undefined;
}): Partial<RunResult> {
  return {
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(stdout === undefined ? {} : { stdout }),
    ...(stderr === undefined ? {} : { stderr }),
  };
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  killGroup(pid, 'SIGTERM');
  setTimeout(() => {
    killGroup(pid, 'SIGKILL');
  }, GRACE).unref();
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // gone already
  }
}
