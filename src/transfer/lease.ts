import { randomBytes, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import { readIfThere } from './durable-file.js';
import { LEASE_NAME, tempName } from './names.js';
import { identify, isIdentity, whereabouts, type ProcessIdentity } from './process-identity.js';

/** Milliseconds after which a lease that nobody has signed is one of a process that died in between. */
const UNSIGNED = 10_000;
/** Milliseconds between looks at it. */
const LOOK = 100;

/** Who writes to a destination. */
interface Signature extends ProcessIdentity {
  readonly uuid: string;
  /** Tells this lease from every other one, also from another of the same process. */
  readonly token: string;
  readonly since: string;
}

/** The right to write to a destination. */
export interface Lease {
  /** Its former holder had died: what it was at may be half done. */
  readonly takenOver: boolean;
  /** @throws RolloutError DESTINATION_BUSY when somebody has taken it away: nothing more may be written. */
  assertHeld(): Promise<void>;
  /** Gives it back, unless it is somebody else's by now. */
  release(): Promise<void>;
}

/**
 * Becomes the only process of any machine that writes to a destination (R22). A lease is taken over only when its
 * process is gone for sure: on this machine, by number, start time and boot.
 *
 * @param uuid of the ledger, for the message to others.
 * @throws RolloutError DESTINATION_BUSY naming the holder and the file.
 */
export async function takeLease(dest: string, uuid: string, patience: number = UNSIGNED): Promise<Lease> {
  const me = await identify();
  if (me === null) throw new RolloutError('PLATFORM_UNKNOWN', 'this machine does not tell its processes apart');
  const mine: Signature = { uuid, token: randomUUID(), since: new Date().toISOString(), ...me };
  const path = join(dest, LEASE_NAME);
  let takenOver = false;
  while (!(await create(path, mine))) {
    const found = await signed(path, patience);
    if (found === undefined) continue;
    await takeAway(path, found);
    takenOver = true;
  }
  const lease: Lease = {
    takenOver,
    assertHeld: async () => {
      const found = parse(await readIfThere(path));
      if (found?.token !== mine.token) throw busy(path, found);
    },
    release: async () => {
      if (parse(await readIfThere(path))?.token === mine.token) await rm(path, { force: true });
    },
  };
  // between creating and signing somebody may have taken ours for an abandoned one
  await lease.assertHeld();
  return lease;
}

/** @returns whether it was created: false when there is one already. */
async function create(path: string, signature: Signature): Promise<boolean> {
  let file;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    await file.writeFile(`${JSON.stringify(signature)}\n`);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return true;
}

/** The text of a lease that may be taken away; undefined when it has gone by itself. @throws DESTINATION_BUSY. */
async function signed(path: string, patience: number): Promise<string | undefined> {
  for (let waited = 0; ; waited += LOOK) {
    const text = await readIfThere(path);
    if (text === null) return undefined;
    const holder = parse(text);
    if (holder !== undefined) {
      if ((await whereabouts(holder)) !== 'gone') throw busy(path, holder);
      return text;
    }
    if (waited >= patience) return text;
    await sleep(LOOK);
  }
}

/**
 * Removes a lease whose holder is gone. It is moved aside first and looked at again: another process may have taken it
 * over between our look and our move, and then it gets back what is its own.
 */
async function takeAway(path: string, expected: string): Promise<void> {
  const aside = join(path, '..', tempName('lease', randomBytes(6).toString('hex')));
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const found = await readIfThere(aside);
  if (found === expected) {
    await rm(aside, { force: true });
    return;
  }
  await rename(aside, path);
  throw busy(path, parse(found));
}

function parse(text: string | null): Signature | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
  return isIdentity(value) && 'token' in value && typeof value.token === 'string' ? (value as Signature) : undefined;
}

function busy(path: string, holder: Signature | undefined): RolloutError {
  const who =
    holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host} since ${holder.since}`;
  return new RolloutError('DESTINATION_BUSY', `${who} writes to the destination, says ${path}`);
}
