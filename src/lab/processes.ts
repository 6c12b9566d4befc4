import { setTimeout as sleep } from 'node:timers/promises';

import { allPids, factsOf, identify, isAlive, type ProcessId, readProcess } from '../platform/processes.js';

export { identify, isAlive, type ProcessId } from '../platform/processes.js';

/** Marks every process that a lab starts outside its machines, so that nothing of a crashed `up` is overlooked. */
const MARK = 'ICEWARP_ROLLOUT_LAB';

/** The variable that marks a process as one of the lab in this folder. */
export function labMark(directory: string): Record<string, string> {
  return { [MARK]: directory };
}

/** The first child of a process; undefined when it has none. */
export function childOf(pid: number): ProcessId | undefined {
  const child = allPids().find((candidate) => factsOf(candidate)?.parent === pid);
  return child === undefined ? undefined : identify(child);
}

/** Waits for the first child of a process, no longer than the process lives; undefined when there is none in time. */
export async function awaitChildOf(pid: number, timeout: number): Promise<ProcessId | undefined> {
  const deadline = Date.now() + timeout;
  for (;;) {
    const child = childOf(pid);
    if (child !== undefined || identify(pid) === undefined || Date.now() > deadline) return child;
    await sleep(20);
  }
}

/** Sends a signal if that very process still runs. */
export function signal(target: ProcessId | undefined, name: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Waits until a process has ended; false when it still runs after `timeout` milliseconds. */
export async function ended(process: ProcessId | undefined, timeout: number): Promise<boolean> {
  return until(() => !isAlive(process), timeout);
}

/** Waits until a condition holds, looking every 20 ms; false when `timeout` milliseconds were over first. */
export async function until(condition: () => boolean | Promise<boolean>, timeout: number): Promise<boolean> {
  const deadline = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

/** Every process that bears the mark of the lab in this folder, except this one. */
export function processesOf(directory: string): ProcessId[] {
  const mark = `${MARK}=${directory}`;
  return allPids().flatMap((pid) => {
    if (pid === process.pid || !environmentOf(pid).includes(mark)) return [];
    const found = identify(pid);
    return found === undefined ? [] : [found];
  });
}

/** Kills everything that bears the lab's mark. Killing a machine's init lets the kernel end all that runs in it. */
export async function killProcessesOf(directory: string): Promise<boolean> {
  return until(() => {
    const left = processesOf(directory);
    left.forEach((process) => {
      signal(process, 'SIGKILL');
    });
    return left.length === 0;
  }, 10_000);
}

function environmentOf(pid: number): string[] {
  return readProcess(pid, 'environ').split('\0');
}
