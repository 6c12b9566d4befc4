import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import { readIfThere, writeDurable } from './durable-file.js';
import { tempName } from './names.js';
import { identify, isIdentity, whereabouts, type ProcessIdentity } from './process-identity.js';

const FILE = 'engine.json';
/** Milliseconds between looks at a process that should end. */
const LOOK = 200;
/** Milliseconds that an engine gets to notice that its parent is gone. */
const GRACE = 3_000;

/** The engine's process that used a ledger last, and who started it. */
export interface EngineRecord {
  readonly child: ProcessIdentity;
  readonly parent: ProcessIdentity;
  readonly since: string;
}

/** Notes durably which process is about to use a ledger. */
export async function noteEngine(ledger: string, pid: number): Promise<void> {
  const [child, parent] = await Promise.all([identify(pid), identify()]);
  // one that is gone already needs no note
  if (child === null || parent === null) return;
  const record: EngineRecord = { child, parent, since: new Date().toISOString() };
  await writeDurable(ledger, FILE, `${JSON.stringify(record)}\n`, tempName('engine', process.pid));
}

/** The process that uses a ledger now; null when none does. */
export async function engineOf(ledger: string): Promise<EngineRecord | null> {
  const record = parse(await readIfThere(join(ledger, FILE)));
  return record !== null && (await whereabouts(record.child)) === 'alive' ? record : null;
}

/**
 * Waits until an earlier engine's process is gone (R23): one that a dead share holds in the kernel may write once more
 * when the share is back. One whose parent has died is ended after a moment, in case it has not noticed.
 *
 * @param onWait is told, once, whom it waits for.
 * @throws RolloutError LEDGER_BUSY when another living process has started it. The signal's reason.
 */
export async function earlierEngineGone(
  ledger: string,
  { signal, onWait }: { readonly signal?: AbortSignal; readonly onWait?: (words: string) => void },
): Promise<void> {
  for (let waited = 0; ; waited += LOOK) {
    signal?.throwIfAborted();
    const record = await engineOf(ledger);
    if (record === null) return;
    const { child, parent, since } = record;
    const orphan = (await whereabouts(parent)) === 'gone';
    if (!orphan && parent.pid !== process.pid) throw engineBusy(ledger, child.pid, since);
    if (waited === 0) onWait?.(`waits for process ${child.pid}, which has used the ledger since ${since}, to end`);
    if (orphan && waited === GRACE) end(child.pid);
    await sleep(LOOK, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

export function engineBusy(ledger: string, pid: number, since: string): RolloutError {
  return new RolloutError('LEDGER_BUSY', `the ledger ${ledger} is in use by process ${pid} since ${since}`);
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone in this moment
  }
}

function parse(text: string | null): EngineRecord | null {
  try {
    const { child, parent, since } = JSON.parse(text ?? '') as Partial<EngineRecord>;
    return isIdentity(child) && isIdentity(parent) && typeof since === 'string' ? { child, parent, since } : null;
  } catch {
    return null;
  }
}
