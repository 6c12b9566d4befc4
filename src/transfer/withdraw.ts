import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { readIfThere, writeDurable } from './durable-file.js';
import { runPass, type Steering } from './engine.js';
import { LedgerReader } from './ledger.js';
import { tempName } from './names.js';
import { removeSentinel } from './sentinel.js';
import type { PassResult, WithdrawOptions } from './types.js';

/** What is in the ledger's folder once all is withdrawn: the mark is gone then, and with it what tells whose tree it is. */
const WITHDRAWN = 'withdrawn.json';
/** A folder in the ledger's that never holds anything. */
const NOTHING = 'nothing';

/** Whether passes have put anything at the destination, were it only their mark; it is there before all else. */
export async function hasWritten(ledger: string): Promise<boolean> {
  if (!existsSync(join(ledger, 'ledger.mdb'))) return false;
  const reader = new LedgerReader(ledger);
  try {
    const meta = reader.meta();
    return meta !== null && (meta.mark > 0 || meta.nextMark !== undefined);
  } finally {
    await reader.close();
  }
}

/**
 * Takes away from the destination what the ledger says that was put there, and the mark at last: a pass from a source
 * that holds nothing. What somebody changed or added there since stays, and is listed. The ledger is worth nothing
 * afterwards. May be killed anywhere and run again.
 *
 * @throws RolloutError as `runPass` does. The signal's reason.
 */
export async function withdrawTree({ ledger, destination }: WithdrawOptions, steering: Steering): Promise<PassResult> {
  const told = await readIfThere(join(ledger, WITHDRAWN));
  const result = told === null ? await emptyThere(ledger, destination, steering) : (JSON.parse(told) as PassResult);
  if (result.outcome === 'done') await removeSentinel(destination);
  return result;
}

async function emptyThere(ledger: string, destination: string, steering: Steering): Promise<PassResult> {
  const source = join(ledger, NOTHING);
  await rm(source, { recursive: true, force: true });
  await mkdir(source);
  const maxDelete = Number.MAX_SAFE_INTEGER;
  const pass = await runPass({ source, destination, ledger, kind: 'delta', maxDelete, keepRoot: true }, steering);
  const result: PassResult = { ...pass, kind: 'withdraw' };
  if (result.outcome === 'done') {
    await writeDurable(ledger, WITHDRAWN, JSON.stringify(result), tempName('withdrawn', process.pid));
  }
  return result;
}
