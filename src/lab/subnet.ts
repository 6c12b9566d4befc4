import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { labPaths } from './layout.js';
import { identify, isAlive, type ProcessId } from './processes.js';
import { readState } from './state.js';

/** Where the labs of one machine tell each other which addresses they use; gone after a reboot, like the labs. */
const LOCKS = '/run/lock/icewarp-rollout';

interface Claim {
  readonly directory: string;
  readonly claimedBy: ProcessId;
}

/**
 * Claims the first free /24 of 127.64.0.0/10 for the lab in this folder and returns its first three numbers.
 * A claim ends with {@link releaseSubnet}; one whose lab does not exist any more is stale and taken over.
 *
 * @param locks folder of the claims; another one than the default only for tests.
 * @throws RolloutError LAB_FAILED when none is free.
 */
export async function claimSubnet(directory: string, locks: string = LOCKS): Promise<string> {
  await mkdir(locks, { recursive: true, mode: 0o700 });
  for (const subnet of subnets()) {
    const lock = join(locks, subnet);
    if (await create(lock, directory)) return subnet;
    if ((await isStale(lock, subnet)) && (await takeOver(lock, directory, subnet))) return subnet;
  }
  throw new RolloutError('LAB_FAILED', 'no /24 of 127.64.0.0/10 is free for another lab');
}

/** Gives the subnet back; nothing happens when it is not that lab's. */
export async function releaseSubnet(subnet: string, directory: string, locks: string = LOCKS): Promise<void> {
  const lock = join(locks, subnet);
  if ((await readClaim(lock))?.directory === directory) await rm(lock, { force: true });
}

function* subnets(): Generator<string> {
  for (let second = 64; second < 128; second += 1) {
    for (let third = 0; third < 256; third += 1) yield `127.${second}.${third}`;
  }
}

/** Makes the lock with its content at once, so that nobody ever reads half a claim. */
async function create(lock: string, directory: string): Promise<boolean> {
  const claim: Claim = { directory, claimedBy: identify(process.pid) ?? { pid: process.pid, started: '' } };
  const temporary = `${lock}.new-${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(claim), { mode: 0o600 });
  try {
    await link(temporary, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** A claim counts while its maker runs (the lab may not be written down yet) or while the lab says it is its own. */
async function isStale(lock: string, subnet: string): Promise<boolean> {
  const claim = await readClaim(lock);
  if (claim === undefined) return false;
  if (isAlive(claim.claimedBy)) return false;
  return subnetOf(claim.directory) !== subnet;
}

/** Moves the stale lock away before making one: of several that try, the move succeeds for one only. */
async function takeOver(lock: string, directory: string, subnet: string): Promise<boolean> {
  const aside = `${lock}.stale-${randomUUID()}`;
  try {
    await rename(lock, aside);
  } catch {
    return false;
  }
  // Between the look and the move another lab may have made this lock its own: then it gets it back.
  const stale = await isStale(aside, subnet);
  if (!stale) await link(aside, lock).catch(() => undefined);
  await rm(aside, { force: true });
  return stale && (await create(lock, directory));
}

function subnetOf(directory: string): string | undefined {
  try {
    return readState(labPaths(directory).state)?.subnet;
  } catch {
    return undefined;
  }
}

async function readClaim(lock: string): Promise<Claim | undefined> {
  try {
    return JSON.parse(await readFile(lock, 'utf8')) as Claim;
  } catch {
    return undefined;
  }
}
