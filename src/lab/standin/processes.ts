import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { isMissing } from './file-errors.js';

/** The pid in a pid file, if a live process of this installation has it: after a power cut the number is another's. */
export function livePid(pidFile: string, installDirectory: string): number | undefined {
  const pid = Number(readOrEmpty(pidFile).trim());
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  // A process that ended but was not collected yet has an empty command line.
  return readOrEmpty(`/proc/${pid}/cmdline`).includes(`${installDirectory}/`) ? pid : undefined;
}

/** Ends a whole process group and returns when none of its processes is left: SIGTERM first, SIGKILL after `grace` ms. */
export async function endGroup(group: number, grace: number): Promise<void> {
  signalGroup(group, 'SIGTERM');
  const deadline = Date.now() + grace;
  let forced = false;
  while (hasMembers(group)) {
    if (!forced && Date.now() > deadline) {
      forced = true;
      signalGroup(group, 'SIGKILL');
    }
    await sleep(30);
  }
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // it ended by itself
  }
}

function hasMembers(group: number): boolean {
  return readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && belongsTo(entry, group));
}

function belongsTo(pid: string, group: number): boolean {
  // The fields after the command's closing bracket: state, parent, group.
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(processGroup) === group && state !== 'Z';
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ESRCH') return '';
    throw error;
  }
}
