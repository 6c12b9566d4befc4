import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readStatus } from '../../src/transfer/run-status.js';
import { runEngine, type RunOptions } from '../../src/transfer/run.js';
import type { PassResult } from '../../src/transfer/types.js';
import { eventually } from '../support/eventually.js';
import { mountSmallDisk, type Room, type SmallDisk } from '../support/mounts.js';
import { makeMailTree } from '../support/trees/mail-tree.js';
import { newSeed } from '../support/trees/random.js';
import { makeSides, unequal, type Sides } from './engine-scenario.js';
import { leadingRows, rowsOf } from './ledger-rows.js';
import { oldFile } from './small-tree.js';

const KIB = 1024;
const MIB = KIB * KIB;
/** A gate looks every ten seconds whether there is room again. */
const TWO_MINUTES = 120_000;

const seed = newSeed();
let folder: string;
let sides: Sides;
let disks: SmallDisk[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-room-'));
  sides = makeSides(folder);
  disks = [];
});
afterEach(async () => {
  for (const disk of disks) await disk.close();
  rmSync(folder, { recursive: true, force: true });
});

function mountOn(path: string, room: Room): SmallDisk {
  const disk = mountSmallDisk(path, room);
  disks.push(disk);
  return disk;
}

async function copy(options: RunOptions = {}): Promise<PassResult> {
  const { source, destination, ledger } = sides;
  return (await runEngine(
    { task: 'copy', options: { source, destination, ledger, kind: 'seed' } },
    options,
  )) as PassResult;
}

/** Files below the destination whose names are the engine's own. */
function temporaries(): string[] {
  return (readdirSync(sides.destination, { recursive: true }) as string[]).filter(
    (path) => /(^|\/)\.iw~[^/]*$/.test(path) && statSync(join(sides.destination, path)).isFile(),
  );
}

describe('a destination without room', () => {
  it.each<[string, Room, Room]>([
    ['bytes', { bytes: 3 * MIB, inodes: 10_000 }, { bytes: 64 * MIB }],
    ['files', { bytes: 64 * MIB, inodes: 90 }, { inodes: 10_000 }],
  ])(
    'for %s lets the pass wait, say so, and go on when there is room',
    async (_, room, more) => {
      const disk = mountOn(sides.destination, room);
      makeMailTree(sides.source, { seed, files: 240, filesPerFolder: 40 });
      oldFile(join(sides.source, 'several writes'), Buffer.alloc(4 * MIB, 'more than fits '));
      let [pulses, said] = [0, ''];
      const ended = copy({
        pulse: () => (pulses += 1),
        onProgress: ({ waits }) => (said = waits ?? ''),
      });
      const waits = async (): Promise<string | undefined> =>
        (await readStatus(sides.ledger)).runs.copy?.progress?.waits;
      await Promise.race([
        eventually('the status says what is waited for', async () => (await waits()) !== undefined),
        ended.then(() => Promise.reject(new Error('it has ended without waiting'))),
      ]);
      expect([await waits(), said]).toEqual(['no room at the destination', 'no room at the destination']);
      // what did not fit is thrown away at once, so that others find the room
      await eventually('no unfinished file is left', () => temporaries().length === 0);
      const before = pulses;
      await eventually('the beat goes on', () => pulses > before + 1);
      disk.resize(more);
      expect(await ended).toMatchObject({ outcome: 'done', skipped: 0 });
      expect((await readStatus(sides.ledger)).runs.copy).toMatchObject({ end: { result: { outcome: 'done' } } });
      expect(unequal(sides)).toEqual([]);
    },
    TWO_MINUTES,
  );

  it('from the beginning says so, and the next call copies everything', async () => {
    const disk = mountOn(sides.destination, { bytes: MIB, inodes: 1 });
    makeMailTree(sides.source, { seed, files: 20 });
    await expect(copy()).rejects.toMatchObject({ code: 'NO_ROOM' });
    disk.resize({ inodes: 1_000 });
    expect(await copy()).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(unequal(sides)).toEqual([]);
  });
});

describe('a ledger without room', () => {
  it(
    'ends the pass with a message of its own before anything more is written, and the next call goes on',
    async () => {
      const disk = mountOn(sides.ledger, { bytes: 1_900 * KIB });
      const tree = makeMailTree(sides.source, { seed, files: 14_000, bytes: 200 });
      await expect(copy()).rejects.toMatchObject({
        code: 'LEDGER_FULL',
        message: expect.stringMatching(/ledger/),
      });
      disk.resize({ bytes: 64 * MIB });
      const known = (await rowsOf(sides.ledger)).length;

      expect(known).toBeGreaterThan(500);
      expect(await leadingRows(sides)).toEqual([]);
      // what was at work, and rows whose sync was still to come; a mover that went on would have written everything
      const there = readdirSync(sides.destination, { recursive: true, withFileTypes: true });
      const written = there.filter((entry) => entry.isFile() && entry.name.endsWith('.imap')).length;
      expect(written - known).toBeLessThan(2_500);
      expect(tree.files - written).toBeGreaterThan(2_000);
      const next = await copy();
      expect(next).toMatchObject({ outcome: 'done', skipped: 0 });
      expect(next.copied.files).toBeLessThanOrEqual(tree.files - known);
      expect(unequal(sides)).toEqual([]);
    },
    TWO_MINUTES,
  );

  it('before the beginning is told from a destination without room', async () => {
    const disk = mountOn(sides.ledger, { bytes: MIB, inodes: 1 });
    mkdirSync(join(sides.source, 'inbox'));
    oldFile(join(sides.source, 'inbox/one'), 'one');
    await expect(copy()).rejects.toMatchObject({ code: 'LEDGER_FULL' });
    // room for a lock and the notes, none for the ledger itself
    disk.resize({ bytes: 16 * KIB, inodes: 100 });
    await expect(copy()).rejects.toMatchObject({ code: 'LEDGER_FULL' });
    expect(readdirSync(sides.destination)).not.toContain('inbox');
    disk.resize({ bytes: 16 * MIB });
    expect(await copy()).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(unequal(sides)).toEqual([]);
  });
});
