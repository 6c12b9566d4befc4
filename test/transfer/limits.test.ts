import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { budgetAt, readLimits, writeLimits } from '../../src/transfer/limits.js';
import type { Limits, TimetableEntry } from '../../src/transfer/types.js';

const WORKDAYS = [1, 2, 3, 4, 5];

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-limits-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** A time of the first week of June 2025, whose first day was a Sunday. */
function at(day: number, minute: number): Date {
  return new Date(2025, 5, 1 + day, Math.floor(minute / 60), minute % 60);
}

describe('the limits of a ledger', () => {
  it('are none until somebody sets them, and then what was set', async () => {
    expect(await readLimits(folder)).toEqual({});
    const limits: Limits = { bytes: 1, timetable: [{ days: WORKDAYS, from: 480, to: 1_080, files: 5 }] };
    await writeLimits(folder, limits);
    expect(await readLimits(folder)).toEqual(limits);
    expect(await readdir(folder)).toEqual(['limits.json']);
  });

  it.each([
    ['no JSON', 'is no JSON'],
    ['[]', 'must be an object'],
    ['{"byte":1}', 'there is no byte'],
    ['{"bytes":0}', 'bytes must be a whole number of at least 1 per second'],
    ['{"files":"5"}', 'files must be a whole number of at least 1 per second'],
    ['{"timetable":{}}', 'timetable must be a list'],
    ['{"timetable":[{"days":[7],"from":0,"to":60}]}', 'timetable 1: days must be numbers from 0 (Sunday) to 6'],
    ['{"timetable":[{"days":[1],"from":0}]}', 'timetable 1: to must be minutes from 0 to 1440'],
  ])('are refused when the file says %s', async (text, fault) => {
    await writeFile(join(folder, 'limits.json'), text);
    await expect(readLimits(folder)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(fault) });
  });

  it('are not written when they are wrong', async () => {
    await expect(writeLimits(folder, { bytes: -1 })).rejects.toMatchObject({ code: 'USAGE' });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('the budget', () => {
  it('is that of the hours in which they are, and none of the general one', () => {
    const limits: Limits = { bytes: 9, files: 9, timetable: [{ days: WORKDAYS, from: 480, to: 1_080, bytes: 1 }] };
    expect(budgetAt(limits, at(1, 480))).toEqual({ bytes: 1 });
    expect(budgetAt(limits, at(5, 1_079))).toEqual({ bytes: 1 });
    for (const date of [at(1, 479), at(1, 1_080), at(0, 600), at(6, 600)]) {
      expect(budgetAt(limits, date)).toEqual({ bytes: 9, files: 9 });
    }
  });

  it('of a night runs into the morning after its day', () => {
    const limits: Limits = { timetable: [{ days: [6], from: 1_320, to: 360, files: 1 }] };
    expect(budgetAt(limits, at(6, 1_320))).toEqual({ files: 1 });
    expect(budgetAt(limits, at(0, 359))).toEqual({ files: 1 });
    for (const date of [at(6, 0), at(6, 1_319), at(0, 360), at(5, 1_400)]) expect(budgetAt(limits, date)).toEqual({});
  });

  const minute = fc.nat(1_439);
  const entry: fc.Arbitrary<TimetableEntry> = fc.record({
    days: fc.uniqueArray(fc.nat(6), { minLength: 1 }),
    from: minute,
    to: fc.nat(1_440),
    bytes: fc.integer({ min: 1, max: 5 }),
  });

  it('is in force for as many minutes of the week as the entry is long', () => {
    fc.assert(
      fc.property(entry, (one) => {
        const limits: Limits = { timetable: [one] };
        let minutes = 0;
        for (let day = 0; day < 7; day += 1) {
          for (let of = 0; of < 1_440; of += 1) if (budgetAt(limits, at(day, of)).bytes !== undefined) minutes += 1;
        }
        const length = one.to > one.from ? one.to - one.from : 1_440 - one.from + one.to;
        expect(minutes).toBe(one.days.length * length);
      }),
      { numRuns: 30 },
    );
  });

  it('is that of the first of several entries for the same time', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), fc.nat(6), minute, (timetable, day, of) => {
        const date = at(day, of);
        const first = timetable.find((one) => budgetAt({ timetable: [one] }, date).bytes !== undefined);
        expect(budgetAt({ files: 7, timetable }, date)).toEqual(
          first === undefined ? { files: 7 } : { bytes: first.bytes },
        );
      }),
    );
  });
});
