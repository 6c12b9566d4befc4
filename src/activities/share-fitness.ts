import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { apart, type Lead } from '../cluster/clocks.js';
import { RolloutError } from '../cluster/errors.js';
import type { HeldNames } from '../cluster/file-names.js';
import { amountOf, isBelow, LITTLE, type Room } from '../cluster/room.js';
import { runCommand, type RunOptions } from '../platform/run.js';
import { roomOnShare } from '../platform/share.js';
import { PROOF_PREFIX } from './folder-set.js';
import { asProcessUser, unworkable } from './process-user.js';
import type { Procedure } from './resource.js';
import { namesHeldIn } from './share-names.js';

export interface ShareFitnessInput {
  /** A folder of the share, as this node sees it. */
  readonly folder: string;
  /** Names what is made there: letters, digits and hyphens. */
  readonly token: string;
  readonly uid: number;
  readonly gid: number;
}

/** What the share is fit for, as one node sees it: under 2 kB. */
export interface ShareFitness {
  /** Small files that are written, synced and renamed, per second. */
  readonly filesPerSecond: number;
  /** Bytes of a large file, per second. */
  readonly bytesPerSecond: number;
  /** Milliseconds until a name is known not to be there: the round trip. */
  readonly roundTrip: number;
  /** The share's clock, ahead of this node's. */
  readonly clock: Lead;
  readonly room: Room;
  readonly names: HeldNames;
}

/** How many are at work at once, as when mail is copied, and with how many files each. */
const LANES = 4;
const FILES = 64;
const SMALL = 4_096;
const LARGE = 32 * 1_048_576;
const ABSENT = 100;
/** Milliseconds for one of these: a share that is slower cannot be worked with. */
const TIMEOUT = 120_000;

/**
 * Measures, as the mail server's own user, whether a share is fit to hold mail and how fast it is (procedure, rule 17).
 * Everything is made in a folder of its own, which is removed again.
 *
 * @throws RolloutError SHARE_FULL, CLOCK_OFF, FOLDER_UNWRITABLE, SHARE_UNREACHABLE.
 */
export const shareFitness: Procedure<ShareFitnessInput, ShareFitness, 'node'> = {
  place: 'node',
  async run({ folder, token, uid, gid }, { signal }) {
    const options = asProcessUser({ uid, gid }, signal, TIMEOUT);
    const work = join(folder, `${PROOF_PREFIX}${token}-fitness`);
    const remove = (): Promise<unknown> => runCommand('rm', ['--recursive', '--force', '--', work], options);
    const room = await roomOnShare(folder, signal);
    if (isBelow(room, LITTLE)) throw new RolloutError('SHARE_FULL', `${folder} takes only ${amountOf(room)} more`);
    try {
      await remove();
      await runCommand('mkdir', ['--mode=700', '--', work, join(work, 'names')], options);
      const clock = await clockOf(work, options);
      assertSameClock(clock, folder);
      return {
        room,
        clock,
        roundTrip: await roundTripIn(work, options),
        filesPerSecond: await filesPerSecondIn(work, options),
        bytesPerSecond: await bytesPerSecondIn(work, options),
        names: await namesHeldIn(join(work, 'names'), options),
      };
    } catch (error) {
      throw unworkable(folder, uid, error);
    } finally {
      if (!signal.aborted) await remove();
    }
  },
};

/** The server's clock, by the time that it gives to a file which is written now. */
async function clockOf(work: string, options: RunOptions): Promise<Lead> {
  const file = join(work, 'clock');
  const before = Date.now();
  await runCommand('dd', [`of=${file}`, 'conv=fsync', 'status=none'], { ...options, input: 'x' });
  const after = Date.now();
  const { stdout } = await runCommand('stat', ['--format=%.3Y', '--', file], options);
  const written = Number(stdout.replace(',', '.')) * 1_000;
  // whole seconds are kept, most likely, and the rest was cut off
  const cut = written % 1_000 === 0 ? 500 : 0;
  const unsure = (after - before) / 2;
  return { ahead: Math.round(written + cut - before - unsure), unsure: Math.ceil(unsure + cut) };
}

function assertSameClock(clock: Lead, folder: string): void {
  const off = apart(clock);
  if (off === null) return;
  throw new RolloutError(
    'CLOCK_OFF',
    `files in ${folder} get a time that is ${off} this machine’s clock; expected is at most 1 s`,
  );
}

/** What many names that are not there take, less what the command itself takes. */
async function roundTripIn(work: string, options: RunOptions): Promise<number> {
  const look = (count: number): Promise<number> => {
    const names = Array.from({ length: count }, (_, index) => join(work, `absent-${count}-${index}`));
    return timed(() => runCommand('stat', ['--format=x', '--', ...names], { ...options, accept: [1] }));
  };
  const one = await look(1);
  const many = await look(ABSENT);
  return Math.max(0, Math.round(((many - one) / (ABSENT - 1)) * 100) / 100);
}

/** Each lane makes files, syncs each, and renames each into the folder where it belongs, as a copy does. */
async function filesPerSecondIn(work: string, options: RunOptions): Promise<number> {
  const input = randomBytes(FILES * SMALL);
  const lanes = Array.from({ length: LANES }, (_, lane) => join(work, `lane-${lane}`));
  await runCommand('mkdir', ['--', ...lanes, ...lanes.map((lane) => join(lane, 'done'))], options);
  const names = Array.from({ length: FILES }, (_, index) => String(index).padStart(3, '0'));
  const took = await timed(() =>
    Promise.all(
      lanes.map(async (lane) => {
        const files = names.map((name) => join(lane, `f${name}`));
        const split = [`--bytes=${SMALL}`, '--numeric-suffixes', '--suffix-length=3', '-', join(lane, 'f')];
        await runCommand('split', split, { ...options, input });
        await runCommand('sync', ['--', ...files], options);
        await runCommand('mv', [`--target-directory=${join(lane, 'done')}`, '--', ...files], options);
      }),
    ),
  );
  return Math.round((LANES * FILES * 1_000) / took);
}

async function bytesPerSecondIn(work: string, options: RunOptions): Promise<number> {
  const args = ['if=/dev/urandom', `of=${join(work, 'large')}`, 'bs=1048576', `count=${LARGE / 1_048_576}`];
  const took = await timed(() => runCommand('dd', [...args, 'conv=fsync', 'status=none'], options));
  return Math.round((LARGE * 1_000) / took);
}

/** Milliseconds, one at least. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.max(1, performance.now() - began);
}
