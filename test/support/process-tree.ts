import { readdirSync, readFileSync } from 'node:fs';

import { eventually } from './eventually.js';

const TEN_SECONDS = 10_000;

/** A process as /proc shows it. */
interface Process {
  readonly pid: number;
  readonly parent: number;
  /** R running, S and D sleeping, T stopped, t stopped by a tracer, Z ended and not yet buried. */
  readonly state: string;
}

/** The process and everything that it and its descendants started, as far as they have not ended. */
export function treeOf(pid: number): number[] {
  const all = allProcesses().filter(({ state }) => state !== 'Z');
  const tree = all.some((process) => process.pid === pid) ? [pid] : [];
  // The list grows while it is walked: children after their parents.
  for (const parent of tree) {
    for (const process of all) if (process.parent === parent) tree.push(process.pid);
  }
  return tree;
}

/** Ends the process and its descendants with SIGKILL; what is already gone does not matter. */
export function killTree(pid: number): void {
  for (const member of treeOf(pid)) signal(member, 'SIGKILL');
}

/**
 * Every process whose environment holds `mark`: also those whose parents have ended, which belong to no tree any more.
 * What is started must have the mark in a variable of its own.
 */
export function markedBy(mark: string): number[] {
  const all = allProcesses().filter(({ state }) => state !== 'Z');
  return all.map(({ pid }) => pid).filter((pid) => read(pid, 'environ').includes(mark));
}

/** Ends all of {@link markedBy} with SIGKILL. */
export function killMarked(mark: string): void {
  for (const pid of markedBy(mark)) signal(pid, 'SIGKILL');
}

/**
 * Stops the process and its descendants with SIGSTOP and waits until they stand: a system call that has begun ends
 * first.
 *
 * @returns lets them go on
 * @throws Error when one does not stop within ten seconds
 */
export async function pauseTree(pid: number): Promise<() => void> {
  const tree = treeOf(pid);
  for (const member of tree) signal(member, 'SIGSTOP');
  const resume = (): void => {
    for (const member of tree) signal(member, 'SIGCONT');
  };
  try {
    await until(`process ${pid} stands`, () => tree.every((member) => /^[TtZX]?$/.test(stateOf(member))));
  } catch (error) {
    resume();
    throw error;
  }
  return resume;
}

/** Sends a signal; false when there is no such process. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** The state letter of a process or thread; empty when there is none. */
export function stateOf(pid: number): string {
  return statOf(pid)?.state ?? '';
}

/** A line of /proc/PID/status of a process or thread, without its name: `statusOf(pid, 'RssAnon')` is `71424 kB`. */
export function statusOf(pid: number, field: string): string | undefined {
  const text = read(pid, 'status');
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(text)?.[1];
}

/** Waits until something is so; asks every few milliseconds. @throws Error after `patience` milliseconds */
export function until(what: string, isSo: () => boolean, patience = TEN_SECONDS): Promise<void> {
  return eventually(what, isSo, { limit: patience, pause: 5 });
}

function allProcesses(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    const process = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    return process === undefined ? [] : [process];
  });
}

function statOf(pid: number): Process | undefined {
  // The name, in parentheses, may hold anything, also parentheses.
  const [state, parent] = read(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ');
  return state === undefined || parent === undefined ? undefined : { pid, parent: Number(parent), state };
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
