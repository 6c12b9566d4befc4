import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { readIfThere, writeDurable } from './durable-file.js';
import { tempName } from './names.js';

const FILE = 'transfer.json';

/** The two folders that a ledger is about. */
export interface Pair {
  readonly source: string;
  readonly destination: string;
  /** Whether a first copy has been completed: the next one is a delta. */
  readonly seeded?: boolean;
}

/** The pair of a ledger; null when it has none yet. @throws RolloutError LEDGER_DAMAGED. */
export async function readPair(ledger: string): Promise<Pair | null> {
  const file = join(ledger, FILE);
  const text = await readIfThere(file);
  if (text === null) return null;
  try {
    const { source, destination, seeded } = JSON.parse(text) as Partial<Record<keyof Pair, unknown>>;
    if (typeof source === 'string' && typeof destination === 'string') {
      return { source, destination, seeded: seeded === true };
    }
  } catch {
    // no JSON: as below
  }
  throw new RolloutError('LEDGER_DAMAGED', `${file} does not say which folders the ledger is about`);
}

/** Makes a ledger that of two folders, for good. @throws RolloutError LEDGER_OTHER when it is that of two others. */
export async function claimPair(ledger: string, source: string, destination: string): Promise<Pair> {
  const found = await readPair(ledger);
  if (found === null) {
    await write(ledger, { source, destination });
    return { source, destination };
  }
  if (found.source === source && found.destination === destination) return found;
  throw new RolloutError('LEDGER_OTHER', `the ledger ${ledger} is about ${found.source} and ${found.destination}`);
}

/** Gives a ledger back that nothing has been copied with. */
export async function releasePair(ledger: string): Promise<void> {
  await rm(join(ledger, FILE), { force: true });
}

/** Notes that a first copy has been completed. */
export async function noteSeeded(ledger: string, pair: Pair): Promise<void> {
  if (pair.seeded !== true) await write(ledger, { ...pair, seeded: true });
}

async function write(ledger: string, pair: Pair): Promise<void> {
  await writeDurable(ledger, FILE, `${JSON.stringify(pair)}\n`, tempName('transfer', process.pid));
}
