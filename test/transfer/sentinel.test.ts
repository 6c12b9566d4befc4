import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { SENTINEL_NAME } from '../../src/transfer/names.js';
import {
  destinationIsEmpty,
  judge,
  readSentinel,
  writeSentinel,
  type LedgerMark,
  type Sentinel,
} from '../../src/transfer/sentinel.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-sentinel-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** What judge says, or the code with which it refuses. */
function verdict(...args: Parameters<typeof judge>): string {
  try {
    return judge(...args);
  } catch (error) {
    return String((error as { code?: string }).code);
  }
}

describe('the sentinel of a destination', () => {
  it('is read as it was written, replaces the one before, and leaves nothing else', async () => {
    expect(await readSentinel(folder)).toBeNull();
    await writeSentinel(folder, { uuid: 'u', generation: 1 });
    await writeSentinel(folder, { uuid: 'u', generation: 2 });
    expect(await readSentinel(folder)).toEqual({ uuid: 'u', generation: 2 });
    expect(await readdir(folder)).toEqual([SENTINEL_NAME]);
  });

  it.each(['', 'IceWarp cluster: one\n', '{"uuid":1,"generation":1}', '{"uuid":"u","generation":"1"}', 'null'])(
    'that says %j is not one of ours',
    async (text) => {
      await writeFile(join(folder, SENTINEL_NAME), text);
      await expect(readSentinel(folder)).rejects.toMatchObject({ code: 'DESTINATION_OTHER' });
    },
  );

  it('is neither read nor written through a symbolic link', async () => {
    const elsewhere = join(folder, 'elsewhere');
    await writeFile(elsewhere, '{"uuid":"u","generation":1}');
    await symlink('elsewhere', join(folder, SENTINEL_NAME));
    await expect(readSentinel(folder)).rejects.toMatchObject({ code: 'ELOOP' });
    await writeSentinel(folder, { uuid: 'mine', generation: 2 });
    expect(await readFile(elsewhere, 'utf8')).toBe('{"uuid":"u","generation":1}');
    expect(await readSentinel(folder)).toEqual({ uuid: 'mine', generation: 2 });
  });

  it('does not make a destination one that holds something', async () => {
    await writeSentinel(folder, { uuid: 'u', generation: 1 });
    await writeFile(join(folder, '.iw~run.1.2'), 'of a run that was killed');
    await mkdir(join(folder, 'lost+found'));
    expect(await destinationIsEmpty(folder)).toBe(true);
    await writeFile(join(folder, 'mail'), '');
    expect(await destinationIsEmpty(folder)).toBe(false);
  });
});

describe('a destination', () => {
  const mine = (generation: number): Sentinel => ({ uuid: 'mine', generation });
  const other = { uuid: 'other', generation: 7 };

  it.each<[string, string, Sentinel | null, LedgerMark | null, boolean]>([
    ['that is empty begins a new ledger', 'new', null, null, true],
    ['that holds unmarked files is refused', 'DESTINATION_OTHER', null, null, false],
    ['that is empty belongs to a ledger that was killed before its first mark', 'new', null, mine(0), true],
    ['that is empty while the ledger is not may be unmounted', 'DESTINATION_OTHER', null, mine(3), true],
    ['without the ledger’s mark is refused', 'DESTINATION_OTHER', null, mine(3), false],
    ['with a mark is refused without its ledger', 'DESTINATION_OTHER', other, null, true],
    ['with another mark is refused', 'DESTINATION_OTHER', other, mine(7), false],
    ['with the ledger’s mark is the same', 'same', mine(7), mine(7), false],
    ['with an earlier mark was restored from a snapshot', 'DESTINATION_OLDER', mine(6), mine(7), false],
    ['with a later mark has a ledger from a backup', 'ledger older', mine(8), mine(7), false],
    ['whose mark was just being written is the same', 'same', mine(8), { ...mine(7), next: 8 }, false],
    ['whose mark was about to be written is the same', 'same', mine(7), { ...mine(7), next: 8 }, false],
    [
      'later than what was being written has a ledger from a backup',
      'ledger older',
      mine(9),
      { ...mine(7), next: 8 },
      false,
    ],
  ])('%s', (_title, expected, sentinel, ledger, empty) => {
    expect(verdict(sentinel, ledger, empty)).toBe(expected);
  });

  it('is never written to unless uuids agree, or neither side has anything', () => {
    const uuid = fc.constantFrom('a', 'b');
    const mark = fc.record({ uuid, generation: fc.nat(4) });
    fc.assert(
      fc.property(fc.option(mark), fc.option(mark), fc.boolean(), (sentinel, ledger, empty) => {
        const said = verdict(sentinel, ledger, empty);
        if (said === 'new') expect([sentinel, ledger?.generation ?? 0, empty]).toEqual([null, 0, true]);
        if (said === 'same') expect(sentinel).toEqual(ledger);
        if (said === 'ledger older') {
          expect(sentinel?.uuid).toBe(ledger?.uuid);
          expect(sentinel?.generation).toBeGreaterThan(ledger?.generation ?? Infinity);
        }
      }),
    );
  });
});
