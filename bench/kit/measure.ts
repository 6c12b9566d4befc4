import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { killMarked, statusOf, treeOf } from '../../test/support/process-tree.js';
import { Stop } from './stop.js';

/** A program and its arguments. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How a command ran. */
export interface Measured {
  /** From its start to its end, process start included. */
  readonly seconds: number;
  readonly stdout: string;
  /** Most anonymous memory (RssAnon) of it and its descendants together, in bytes, as far as samples met it. */
  readonly peakMemory: number;
}

/** A command that is under way. */
export interface Running {
  readonly pid: number;
  /** Finds its processes, also those whose parents have ended: see `markedBy`. */
  readonly mark: string;
  /** Bytes of anonymous memory of it and its descendants at this moment. */
  readonly memory: () => number;
  readonly hasExited: () => boolean;
  /** The command itself has ended; what it started may go on, and hold its output open. */
  readonly exited: Promise<void>;
  /** All of its output is there. Never throws for how the command ends. */
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

const KIB = 1_024;
/** Milliseconds between two samples: reading /proc must not cost what is measured. */
const SAMPLE = 250;
/** In the environment of all that this process starts here. */
const MARK = `ICEWARP_ROLLOUT_BENCH=${process.pid}.`;
let marks = 0;

/** Ends whatever was started here and is still there. */
export function killAll(): void {
  killMarked(MARK);
}

/** Starts a command in a process group of its own. {@link killAll} is for whoever ends early. */
export async function start({ file, args, env }: Command): Promise<Running> {
  marks += 1;
  const mark = `${MARK}${marks}.`;
  const [name = '', value = ''] = mark.split('=');
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...env, [name]: value },
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  await once(child, 'spawn');
  const { pid = 0 } = child;
  const exit = once(child, 'exit');
  const exited = exit.then(() => undefined);
  const ended = exit.then(async ([code]) => {
    const [stdout, stderr] = await output;
    return { code: code as number | null, stdout, stderr };
  });
  const hasExited = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return { pid, mark, hasExited, exited, ended, memory: () => memoryOf(pid) };
}

/**
 * Runs a command to its end.
 *
 * @throws Stop with what it said when it fails
 */
export async function measure(command: Command): Promise<Measured> {
  const begin = performance.now();
  const running = await start(command);
  let peakMemory = 0;
  const timer = setInterval(() => {
    peakMemory = Math.max(peakMemory, running.memory());
  }, SAMPLE);
  const { code, stdout, stderr } = await running.ended;
  const seconds = (performance.now() - begin) / 1_000;
  clearInterval(timer);
  if (code !== 0) {
    const said = stderr.trim().split('\n').slice(-5).join('\n');
    throw new Stop(`${command.file} ${command.args.join(' ')} ended with ${code}: ${said}`);
  }
  return { seconds, stdout, peakMemory };
}

function memoryOf(pid: number): number {
  const sizes = treeOf(pid).map((member) => Number(statusOf(member, 'RssAnon')?.replace(/ kB$/, '') ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0) * KIB;
}
