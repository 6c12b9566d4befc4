import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { hoursText, readTimetable } from '../../src/cli/timetable.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-timetable-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function read(text: string): ReturnType<typeof readTimetable> {
  const file = join(folder, 'hours.yaml');
  await writeFile(file, text);
  return readTimetable(file);
}

describe('a timetable', () => {
  it('is written with days, times and sizes as people write them', async () => {
    const text = `
- { days: mon-fri, from: 07:00, to: "19:00", bytes: 10M, files: 200 }
- { days: [Saturday, sun], from: 22:30, to: 6:00, files: 50 }
- { days: "fri-mon, wed", from: 00:00, to: 24:00 }
`;
    const entries = await read(text);
    expect(entries).toEqual([
      { days: [1, 2, 3, 4, 5], from: 420, to: 1_140, bytes: 10 * 1_024 ** 2, files: 200 },
      { days: [0, 6], from: 1_350, to: 360, files: 50 },
      { days: [0, 1, 3, 5, 6], from: 0, to: 1_440 },
    ]);
    expect(entries.map(hoursText)).toEqual([
      'mon,tue,wed,thu,fri 07:00-19:00',
      'sun,sat 22:30-06:00',
      'sun,mon,wed,fri,sat 00:00-24:00',
    ]);
  });

  it('may be JSON', async () => {
    expect(await read('[{"days":"mon","from":"1:00","to":"2:00"}]')).toEqual([{ days: [1], from: 60, to: 120 }]);
  });

  it.each([
    ['{}', 'a list of entries'],
    ['- mon', 'entry 1: it needs days, from and to'],
    ['- { days: mon, from: 07:00, to: 08:00, byte: 1 }', 'entry 1: there is no byte'],
    ['- { days: mon, from: 07:00, to: 25:00 }', 'entry 1: "25:00" is no time'],
    ['- { days: mon, from: 07:60, to: 09:00 }', 'entry 1: "07:60" is no time'],
    ['- { days: mon, to: 09:00 }', 'entry 1: "" is no time'],
    ['- { days: any, from: 07:00, to: 09:00 }', 'entry 1: "any" is no day'],
    ['- { from: 07:00, to: 09:00 }', 'entry 1: "" is no day'],
    ['- { days: mon, from: 07:00, to: 09:00, bytes: 0 }', 'entry 1: "0" is no size'],
    ['- [', 'neither YAML nor JSON'],
  ])('that says %s is refused: %s', async (text, words) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(words) });
  });

  it('that is not there is refused', async () => {
    await expect(readTimetable(join(folder, 'absent'))).rejects.toMatchObject({ code: 'USAGE' });
  });
});
