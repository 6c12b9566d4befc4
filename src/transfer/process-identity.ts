import { readdir, readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** One process for all time: numbers are used again, start times within one boot are not. Crosses files as JSON. */
export interface ProcessIdentity {
  readonly host: string;
  /** What tells two machines apart that were cloned with their name. */
  readonly machine: string;
  readonly boot: string;
  /** The kernel's id of the namespace that `pid` is a number in: containers have their own. */
  readonly namespace: string;
  readonly pid: number;
  /** Clock ticks since the boot at which it started. */
  readonly started: string;
}

/** Where that process is now; `unknown` when only another machine could tell. */
export type Whereabouts = 'alive' | 'gone' | 'unknown';

/** The identity of a running process of this machine, this one by default; null when there is none of that number. */
export async function identify(pid: number = process.pid): Promise<ProcessIdentity | null> {
  const started = await startOf(pid);
  if (started === null) return null;
  const [boot, machine, namespace] = await Promise.all([
    textOf('/proc/sys/kernel/random/boot_id'),
    textOf('/etc/machine-id'),
    readlink('/proc/self/ns/pid'),
  ]);
  return { host: hostname(), machine, boot, namespace, pid, started };
}

/**
 * Whether a process still runs (R22, R23). A process of which one thread waits in the kernel for a dead share is alive,
 * though its first thread is a zombie already.
 */
export async function whereabouts(then: ProcessIdentity): Promise<Whereabouts> {
  const here = await identify();
  if (here === null || here.host !== then.host || here.machine !== then.machine) return 'unknown';
  if (here.boot !== then.boot) return 'gone';
  if (here.namespace !== then.namespace) return 'unknown';
  return (await startOf(then.pid)) === then.started && (await hasLiveThread(then.pid)) ? 'alive' : 'gone';
}

/** Whether something that was read from a file is an identity. */
export function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { host, machine, boot, namespace, pid, started } = value as Partial<Record<string, unknown>>;
  return Number.isSafeInteger(pid) && [host, machine, boot, namespace, started].every((one) => typeof one === 'string');
}

async function textOf(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim();
}

async function startOf(pid: number): Promise<string | null> {
  return (await fieldsOf(`/proc/${pid}/stat`))?.[19] ?? null;
}

/** The fields after the command's name, which may hold spaces and brackets: state first, start time as the twentieth. */
async function fieldsOf(file: string): Promise<readonly string[] | null> {
  const stat = await textOf(file);
  return stat === '' ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

async function hasLiveThread(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const states = await Promise.all(threads.map(async (id) => (await fieldsOf(`/proc/${pid}/task/${id}/stat`))?.[0]));
  return states.some((state) => state !== undefined && state !== 'Z' && state !== 'X');
}
