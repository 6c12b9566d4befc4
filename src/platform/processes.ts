import { readFileSync, readdirSync } from 'node:fs';

/** A process for certain: numbers are used again, a number with its start time is not. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks between the machine's boot and the start of the process. */
  readonly started: string;
}

/** What the kernel tells of a process. */
export interface ProcessFacts extends ProcessId {
  /** `Z`: only its remains, until its parent looks. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
}

/** The process that has this number now; undefined when there is none, or only its remains. */
export function identify(pid: number): ProcessId | undefined {
  const facts = factsOf(pid);
  return facts === undefined || facts.state === 'Z' ? undefined : { pid, started: facts.started };
}

export function isAlive(process: ProcessId | undefined): process is ProcessId {
  return process !== undefined && identify(process.pid)?.started === process.started;
}

/** Whether a process of the group still lives. */
export function groupLives(group: number): boolean {
  return allPids().some((pid) => {
    const facts = factsOf(pid);
    return facts?.group === group && facts.state !== 'Z';
  });
}

/** What the kernel tells of the process with this number; undefined when there is none. */
export function factsOf(pid: number): ProcessFacts | undefined {
  const text = readProcess(pid, 'stat');
  // The name in parentheses may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group] = fields;
  const started = fields[19];
  if (state === undefined || started === undefined) return undefined;
  return { pid, started, state, parent: Number(parent), group: Number(group) };
}

/** The number of every process on this machine. */
export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A file of a process below /proc; empty when the process, or the right to read it, is gone. */
export function readProcess(pid: number, file: string, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, encoding);
  } catch {
    return '';
  }
}
