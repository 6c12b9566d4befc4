import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { killMarked, killTree, signal, stateOf, statusOf, until } from '../support/process-tree.js';
import type { Change, Count, Point } from './points.js';
import { changesOf } from './points.js';
import type { LoggedCall } from './strace-log.js';
import { parseLog, WRITE_CALLS } from './strace-log.js';

/** A command to run under faults. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which it is killed and the call throws; default two minutes. */
  readonly patience?: number;
}

/** How a command ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command ended that met a fault. */
export interface Faulted extends Ended {
  /** The call that the fault hit, as strace prints it; undefined: the run never came to that point. */
  readonly hit?: string;
  /** What was called after the fault was laid, as far as it was asked to be listed; of one thread where one was met. */
  readonly calls?: readonly LoggedCall[];
}

/** Codes of errors as strace knows them. */
export type Errno =
  'EIO' | 'EPERM' | 'ENOSPC' | 'EDQUOT' | 'ESTALE' | 'EXDEV' | 'ETIMEDOUT' | 'EACCES' | 'EINTR' | 'ENOTCONN';

/** A call that is counted in this thread only; without it in every thread and every process of the command. */
type Thread = number | undefined;

/** Node's own ring for file calls hides them from strace. */
const ENVIRONMENT = { UV_USE_IO_URING: '0', LC_ALL: 'C' };
const TWO_MINUTES = 120_000;
const HIT = / = \?|\(INJECTED\)/;
/** The variable by which the processes of a run are found whoever started them. */
const MARK = 'ICEWARP_ROLLOUT_FAULTS';

/**
 * Runs a command to its end and lists each system call by which it changed something below `folders`, with the point at
 * which the other functions here meet that call in a run from the same beginning.
 */
export async function traceChanges(
  command: Command,
  folders: readonly string[],
): Promise<Ended & { readonly changes: readonly Change[] }> {
  return withTarget(command, async (target) => {
    const tracer = await attach(target, undefined, []);
    signal(target.pid, 'SIGCONT');
    const ended = await target.ended;
    await tracer.gone;
    const real = folders.map((folder) => realpathSync(folder));
    return { ...ended, changes: changesOf(parseLog(tracer.log()), real) };
  });
}

/** Kills the command, with everything that it started, immediately before the call at `point` is carried out. */
export async function killAt(command: Command, point: Point): Promise<Faulted> {
  return inject(command, point, (count) => `${count.call}:signal=KILL:when=${count.nth}`, { killAfter: 1 });
}

/** Further wishes of {@link failAt}. */
export interface FailOptions {
  /** How many calls of its kind in its thread fail, from that one on; default 1: it succeeds when it is tried again. */
  readonly times?: number;
  /** Further kinds of calls that are listed in the answer. */
  readonly also?: readonly string[];
}

/** Lets the call at `point` fail with `errno` without being carried out. */
export async function failAt(
  command: Command,
  point: Point,
  errno: Errno,
  { times = 1, also = [] }: FailOptions = {},
): Promise<Faulted> {
  const when = (nth: number): string => (times === 1 ? `${nth}` : `${nth}..${nth + times - 1}`);
  return inject(command, point, ({ call, nth }) => `${call}:error=${errno}:when=${when(nth)}`, { also });
}

/** Lets that call and all later ones of its kind in its thread fail, and kills the command after so many failures. */
export async function failFrom(command: Command, point: Point, errno: Errno, failures: number): Promise<Faulted> {
  return inject(command, point, (count) => `${count.call}:error=${errno}:when=${count.nth}+`, { killAfter: failures });
}

/**
 * Stops the command immediately after the call at `point`, whatever its threads are at, and lets it go on when `body` is
 * done. What the body leaves undone, such as a kill, it does itself; it hears the process's id.
 */
export async function pauseAfter(
  command: Command,
  point: Point,
  body: (pid: number) => Promise<void> | void,
): Promise<Faulted> {
  return withTarget(command, async (target) => {
    let paused = await stopAfter(target, point.after ?? point, undefined);
    if (point.after !== undefined && paused !== undefined) paused = await stopAfter(target, point, paused.thread);
    if (paused === undefined) return target.ended;
    await body(paused.pid);
    signal(paused.pid, 'SIGCONT');
    return { ...(await target.ended), hit: paused.hit };
  });
}

async function inject(
  command: Command,
  point: Point,
  expression: (count: Count) => string,
  { killAfter, also = [] }: { readonly killAfter?: number; readonly also?: readonly string[] },
): Promise<Faulted> {
  return withTarget(command, async (target) => {
    const anchor = point.after === undefined ? undefined : await stopAfter(target, point.after, undefined);
    if (point.after !== undefined && anchor === undefined) return target.ended;
    const tracer = await attach(target, anchor?.thread, ['-e', `inject=${expression(point)}`], [point.call, ...also]);
    signal(anchor?.pid ?? target.pid, 'SIGCONT');
    const hits = (): LoggedCall[] => parseLog(tracer.log()).filter(({ text }) => HIT.test(text));
    if (killAfter !== undefined) {
      // Who watches over the killed process could otherwise still tidy up after it.
      const isHit = (): boolean => hits().length >= killAfter || target.hasEnded();
      await until('the command is hit or has ended', isHit, target.patience);
      target.kill();
    }
    const ended = await target.ended;
    await tracer.gone;
    const found = printed(hits()[0]);
    return found === undefined ? ended : { ...ended, hit: found, calls: parseLog(tracer.log()) };
  });
}

/** Runs on to the counted call and stops there; undefined when the command ended before. */
async function stopAfter(
  target: Target,
  count: Count,
  thread: Thread,
): Promise<{ pid: number; thread: number; hit: string } | undefined> {
  const expression = `inject=${count.call}:signal=STOP:when=${count.nth}`;
  const tracer = await attach(target, thread, ['-e', expression], [count.call]);
  const process = thread === undefined ? target.pid : groupOf(thread);
  signal(process, 'SIGCONT');
  // Only a signal that arrives is shown with braces; that the command stood when it was attached is shown without.
  const isThere = (): boolean => /--- SIGSTOP \{[^]*--- stopped by SIGSTOP ---/.test(tracer.log());
  await until('the command stands or has ended', () => isThere() || target.hasEnded(), target.patience);
  if (!isThere()) return undefined;
  const lines = tracer.log().split('\n');
  const at = lines.findIndex((line) => line.includes('--- SIGSTOP {'));
  const found = thread ?? Number(/^\d+/.exec(lines[at] ?? '')?.[0]);
  const before = parseLog(lines.slice(0, at).join('\n'));
  const hit = before.findLast((call) => call.call === count.call && call.thread === (thread === undefined ? found : 0));
  await tracer.detach();
  await until('the command stands without a tracer', () => stateOf(found) === 'T', target.patience);
  return { pid: groupOf(found), thread: found, hit: printed(hit) ?? '' };
}

function printed(call: LoggedCall | undefined): string | undefined {
  return call === undefined ? undefined : call.call + call.text;
}

/** The process that a thread belongs to. */
function groupOf(thread: number): number {
  return Number(statusOf(thread, 'Tgid'));
}

interface Target {
  readonly pid: number;
  readonly folder: string;
  readonly patience: number;
  readonly ended: Promise<Ended>;
  readonly hasEnded: () => boolean;
  /** Ends the command and everything that it started. */
  readonly kill: () => void;
}

/** Starts the command, standing before its first instruction; kills what is left of it afterwards. */
async function withTarget<T>(command: Command, body: (target: Target) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-strace-'));
  const child = spawn('sh', ['-c', 'kill -STOP $$; exec "$@"', 'sh', command.file, ...command.args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...command.env, ...ENVIRONMENT, [MARK]: folder },
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  });
  const { pid, patience } = { pid: child.pid, patience: command.patience ?? TWO_MINUTES };
  if (pid === undefined) throw new Error('sh cannot be started');
  let late = false as boolean;
  const kill = (): void => {
    killTree(pid);
    killMarked(`${MARK}=${folder}`);
  };
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, patience);
  try {
    await until('the command stands', () => stateOf(pid) === 'T');
    const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
    const result = await body({ pid, folder, patience, ended: endOf(child), hasEnded, kill });
    if (late) throw new Error(`${command.file} did not end within ${patience / 1000} s`);
    return result;
  } finally {
    clearTimeout(timer);
    kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const output = [child.stdout, child.stderr].map(async (stream) => (stream === null ? '' : text(stream)));
  const [exitCode, signalCode] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  const [stdout = '', stderr = ''] = await Promise.all(output);
  return { exitCode, signal: signalCode, stdout, stderr };
}

interface Tracer {
  readonly log: () => string;
  readonly gone: Promise<unknown>;
  /** Leaves the command as it is, for instance standing. */
  readonly detach: () => Promise<void>;
}

let logs = 0;

async function attach(
  target: Target,
  thread: Thread,
  extra: readonly string[],
  calls: readonly string[] = WRITE_CALLS,
): Promise<Tracer> {
  logs += 1;
  const file = join(target.folder, `log-${logs}`);
  const traced = calls.map((call) => `?${call}`).join(',');
  const whom = thread === undefined ? ['-f', '-p', String(target.pid)] : ['-p', String(thread)];
  const options = ['-qq', '-y', '-s', '64', '-o', file, '-e', `trace=${traced}`, ...extra, ...whom];
  const child = spawn('strace', options, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  const said = text(child.stderr);
  const gone = once(child, 'exit');
  const traces = (): boolean => statusOf(thread ?? target.pid, 'TracerPid') === String(child.pid);
  await until('strace traces the command', () => traces() || child.exitCode !== null);
  if (!traces()) throw new Error(`strace ended with ${child.exitCode}: ${await said}`);
  const log = (): string => {
    try {
      return readFileSync(file, 'latin1');
    } catch {
      return '';
    }
  };
  const detach = async (): Promise<void> => {
    child.kill('SIGINT');
    await gone;
  };
  return { log, gone, detach };
}
