import { readFile, readdir, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Looks at a process that is becoming another program, and milliseconds between them. */
const BECOMING = { looks: 20, pause: 10 };

/** A running process, as much of it as tells whose it is. */
export interface RunningProcess {
  readonly pid: number;
  readonly name: string;
}

/**
 * The processes of an installation: their program, or the script that it runs, lies in its folder. Reading a log
 * there with `tail` makes no process one of IceWarp's.
 */
export async function processesOf(directory: string): Promise<readonly RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found: RunningProcess[] = [];
  for (const pid of pids) {
    if (pid === process.pid) continue;
    const [program, script] = await commandLine(pid);
    const executable = await readlink(`/proc/${pid}/exe`).catch(() => '');
    const ours = [executable, program, script].some((path) => path?.startsWith(`${directory}/`) === true);
    if (ours) found.push({ pid, name: program ?? executable });
  }
  return found;
}

/** Whether the process in a pid file lives and is the installation's: after a power cut its number may be another's. */
export async function livesInstalled(pidFile: string, directory: string): Promise<boolean> {
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).trim());
  if (!Number.isInteger(pid) || pid <= 1) return false;
  for (let look = 0; ; look += 1) {
    const executable = await readlink(`/proc/${pid}/exe`).catch(() => '');
    const words = await commandLine(pid);
    if (executable.startsWith(`${directory}/`) || words.some((word) => word.includes(`${directory}/`))) return true;
    // one that is just becoming another program has no words for a moment; one that has ended has no program either
    const isBecoming = executable !== '' && words.length === 0;
    if (!isBecoming || look === BECOMING.looks) return false;
    await sleep(BECOMING.pause);
  }
}

/** The words of a command line; none for a process that has ended. */
async function commandLine(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.split('\0').filter((word) => word !== '');
}
