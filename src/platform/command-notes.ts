import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import { groupLives, identify, isAlive, type ProcessId } from './processes.js';

/** What is written down of a command while it runs. Never its arguments, which may hold secrets. */
interface Note {
  readonly command: string;
  /** The attempt that runs it belongs to this step. */
  readonly step: string;
  /** Leader of the command's process group. */
  readonly process: ProcessId;
  /** The agent that started it. */
  readonly agent: ProcessId;
  /** It was told to end, and something of its group did not. */
  readonly stuck?: true;
}

/** The note of one command. */
export interface CommandNote {
  /** Takes it away: the command has ended. */
  forget(): void;
  /** Says that the command was told to end, and that its process group did not. */
  stuck(): void;
}

const FILE = /^command-\d+-\d+\.json$/;

/** Milliseconds that a command gets between SIGTERM and SIGKILL, and then to be gone. */
const GRACE = 2_000;
const PATIENCE = 10_000;
const GLANCE = 50;

const current = new AsyncLocalStorage<CommandNotes>();

/**
 * The commands that change the world on this machine, written down while they run. A command has a process group of its
 * own and outlives an agent that is killed: without a note the next attempt would begin beside it.
 */
export class CommandNotes {
  /**
   * @param folder The agent's state folder.
   * @param step The step whose attempt this is.
   */
  constructor(
    private readonly folder: string,
    private readonly step: string,
  ) {}

  /** The notes of the attempt in which this is called; undefined outside of any. */
  static get ofThisAttempt(): CommandNotes | undefined {
    return current.getStore();
  }

  /** Notes every command that `work` runs as one to be noted. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return current.run(this, work);
  }

  /**
   * Writes a command down that waits to begin. In the kernel's hands is enough: a power cut ends the command as well.
   *
   * @returns undefined when the command has ended already.
   */
  add(pid: number, file: string): CommandNote | undefined {
    const [started, agent] = [identify(pid), identify(process.pid)];
    if (started === undefined || agent === undefined) return undefined;
    const path = join(this.folder, `command-${pid}-${started.started}.json`);
    const note: Note = { command: basename(file), step: this.step, process: started, agent };
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    write(path, note);
    return { forget: () => rmSync(path, { force: true }), stuck: () => write(path, { ...note, stuck: true }) };
  }

  /**
   * Ends, with everything they started, the commands that an agent which is gone has left running here, and those of
   * earlier attempts of this very step.
   *
   * @returns the names of the commands that were ended.
   * @throws RolloutError COMMAND_LEFT when one cannot be ended.
   */
  async endLeftovers(signal: AbortSignal): Promise<readonly string[]> {
    const ended: string[] = [];
    for (const path of this.#files()) {
      const note = read(path);
      if (note !== undefined && isRunning(note)) {
        if (isAlive(note.agent) && note.step !== this.step) continue;
        await end(note, signal);
        ended.push(note.command);
      }
      // Also one that was torn: its command was never let begin.
      rmSync(path, { force: true });
    }
    return ended;
  }

  #files(): string[] {
    try {
      const names = readdirSync(this.folder).filter((name) => FILE.test(name));
      return names.map((name) => join(this.folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}

/** Waits until no process of a group lives; false when one still does after `limit` milliseconds. */
export async function groupEnded(group: number, limit: number, signal?: AbortSignal): Promise<boolean> {
  const deadline = Date.now() + limit;
  while (groupLives(group)) {
    if (Date.now() > deadline) return false;
    await sleep(GLANCE, undefined, { ...(signal === undefined ? {} : { signal }) });
  }
  return true;
}

/**
 * Whether the command has not ended. Once its leader has, what is left of its group is what it was there to start, such
 * as services; unless it was told to end: then all of it was.
 */
function isRunning({ process: leader, stuck }: Note): boolean {
  const there = identify(leader.pid);
  if (there !== undefined) return there.started === leader.started;
  return stuck === true && groupLives(leader.pid);
}

async function end({ command, process: { pid } }: Note, signal: AbortSignal): Promise<void> {
  kill(pid, 'SIGTERM');
  if (await groupEnded(pid, GRACE, signal)) return;
  kill(pid, 'SIGKILL');
  if (await groupEnded(pid, PATIENCE, signal)) return;
  throw new RolloutError(
    'COMMAND_LEFT',
    `${command} (process ${pid}) of an earlier attempt still runs and cannot be ended; the kernel may wait there for a share or disk that does not answer`,
  );
}

function kill(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function write(path: string, note: Note): void {
  writeFileSync(path, `${JSON.stringify(note)}\n`, { mode: 0o600 });
}

function read(path: string): Note | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Note;
  } catch {
    return undefined;
  }
}
