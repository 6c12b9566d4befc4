import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import { execa, ExecaError } from 'execa';

import { RolloutError } from '../cluster/errors.js';
import { type CommandNote, CommandNotes, groupEnded } from './command-notes.js';

export interface RunOptions {
  /** Stops the command, and everything it started, within a second. */
  readonly signal?: AbortSignal;
  /** Milliseconds; default ten minutes: nothing of ours may hang silently. */
  readonly timeout?: number;
  /** Text or bytes for standard input: the way for passwords. Without it standard input is empty. */
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  /** Added to the few variables that every command gets (`INHERITED`). */
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  /** Throw its output away: for what starts a daemon, which would keep the pipe open for as long as it lives. */
  readonly silent?: boolean;
  /** Gets each line of its output as it comes, and must not throw: for more than memory shall hold. `stdout` is empty. */
  readonly onLine?: (line: string) => void;
  /** Exit codes that are answers, not failures; default only 0. */
  readonly accept?: readonly number[];
  /**
   * For what changes the world and may take long: written down while it runs, so that the next attempt ends it should
   * this process be killed meanwhile. Without effect outside of an attempt.
   */
  readonly noted?: boolean;
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
 * Lets a command begin only once its note is written: killed before, we close the pipe, and it never begins. It takes
 * the shell's place, and so its process number.
 */
const GATE = 'read -r _ <&3 || exit 1; exec 3<&-; exec "$@"';
/** What the shell answers at the gate when there is no such command. */
const NOT_FOUND = 127;

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
  const notes = options.noted === true ? CommandNotes.ofThisAttempt : undefined;
  const [program, words] = notes === undefined ? [file, args] : ['sh', ['-c', GATE, 'sh', file, ...args]];
  const input = options.input === undefined ? 'ignore' : 'pipe';
  const output = options.silent === true ? 'ignore' : 'pipe';
  const child = execa(program, words, {
    // A forced end of our own (below) must reach the group, so execa's own kill is not used.
    detached: process.platform !== 'win32',
    cleanup: true,
    reject: false,
    stripFinalNewline: true,
    extendEnv: false,
    env: { ...inherited(), ...options.env },
    stdio: notes === undefined ? [input, output, output] : [input, output, output, 'pipe'],
    ...(options.onLine === undefined ? {} : { buffer: { stdout: false } }),
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const note = notes === undefined ? undefined : letBegin(child, file, notes);
  const lines = options.onLine === undefined ? undefined : readLines(child.stdout, options.onLine);
  const overdue = new AbortController();
  let giveUp = (): void => undefined;
  const givenUp = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined);
  });
  let stopped = false;
  const stop = (): void => {
    stopped = true;
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
    else await lines;
    if (note !== undefined) await settle(note, child.pid, stopped);
    signal?.throwIfAborted();
    if (overdue.signal.aborted || result === undefined) {
      throw new RolloutError('COMMAND_TIMEOUT', `${file} did not end within ${timeout / 1000} s`);
    }
    const { exitCode } = result;
    const notFound = notes !== undefined && exitCode === NOT_FOUND && !accept.includes(NOT_FOUND);
    if (exitCode === undefined || notFound) throw startFailure(file, notFound || isMissing(result));
    if (!accept.includes(exitCode)) {
      throw new RolloutError('COMMAND_FAILED', `${file} ended with exit code ${exitCode}`, {
        cause: outputOf(result),
      });
    }
    return { exitCode, stdout: result.stdout ?? '', stderr: result.stderr ?? '' };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** What is used of a command that was started. */
type Started = Pick<ChildProcess, 'pid' | 'stdio'>;

/** Ends with the output. */
async function readLines(output: Readable | null, onLine: (line: string) => void): Promise<void> {
  if (output === null) return;
  const reader = createInterface({ input: output, crlfDelay: Infinity }).on('line', onLine);
  await once(reader, 'close');
}

function inherited(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => INHERITED.test(name));
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Writes the command down that waits at its gate, and opens that. */
function letBegin({ pid, stdio }: Started, file: string, notes: CommandNotes): CommandNote | undefined {
  const gate = stdio[3] as Writable;
  // A command that is gone already shows by its exit code.
  gate.on('error', () => undefined);
  try {
    const note = pid === undefined ? undefined : notes.add(pid, file);
    gate.end('go\n');
    return note;
  } catch (error) {
    gate.destroy();
    throw error;
  }
}

/** Nothing may begin beside a command that was told to end and has not: such a one keeps its note. */
async function settle(note: CommandNote, pid: number | undefined, stopped: boolean): Promise<void> {
  if (!stopped || pid === undefined || (await groupEnded(pid, PATIENCE))) note.forget();
  else note.stuck();
}

/** Lets go of a command that cannot be ended, so that it keeps neither a pipe nor this process open. */
function leave(child: Pick<ChildProcess, 'stdin' | 'stdout' | 'stderr' | 'unref'>): void {
  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy();
  child.unref();
}

function isMissing(result: unknown): boolean {
  return result instanceof ExecaError && result.code === 'ENOENT';
}

function startFailure(file: string, missing: boolean): RolloutError {
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
  // Keeps this process for that long: what ignores the request must not outlive us.
  setTimeout(() => {
    killGroup(pid, 'SIGKILL');
  }, GRACE);
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // gone already
  }
}
