import { describe, expect, it } from '@jest/globals';

import {
  backOf,
  changesIn,
  finalPassSeconds,
  reversePassSeconds,
  treeBack,
} from '../../../src/workflows/guide/forecast.js';

const MILLION = 1_000_000;
const NONE = { files: 0, bytes: 0 };
const delta = (seconds: number, copied: number): Parameters<typeof finalPassSeconds>[0]['passes'][number] => ({
  seconds,
  seen: { files: MILLION, bytes: 100 * MILLION },
  copied: { files: copied, bytes: copied * 10_000 },
});
const SHARE = { filesPerSecond: 500, bytesPerSecond: 50 * MILLION };

describe('the forecast of a final pass', () => {
  it('is unknown before the first pass', () => {
    expect(finalPassSeconds({ passes: [], rewritten: NONE })).toBeNull();
    expect(reversePassSeconds({ passes: [], rewritten: NONE }, NONE, SHARE)).toBeNull();
  });

  it('is the latest pass, a second walk and the counting, where little is written over', () => {
    const passes = [delta(400, 90_000), delta(10, 100), delta(20, 5_000)];
    // 20 s once more, 10 s to walk, 2 × 1,000,000 / 15,000 s to count
    expect(finalPassSeconds({ passes, rewritten: NONE })).toBe(Math.ceil(20 + 10 + 133.4));
  });

  it('grows with what is read again, and with what the latest pass had to copy', () => {
    const [quiet, busy] = [[delta(10, 0)], [delta(10, 0), delta(60, 20_000)]];
    const base = finalPassSeconds({ passes: quiet, rewritten: NONE }) ?? 0;
    const indexes = { files: 40_000, bytes: 4_000 * MILLION };
    expect(finalPassSeconds({ passes: quiet, rewritten: indexes })).toBe(base + 20 + 40);
    expect(finalPassSeconds({ passes: busy, rewritten: NONE })).toBe(base + 50);
  });

  it('of a tree without files is short, and no number is missing', () => {
    const empty = { seconds: 0.4, seen: NONE, copied: NONE };
    expect(finalPassSeconds({ passes: [empty], rewritten: NONE })).toBe(1);
    expect(reversePassSeconds({ passes: [empty], rewritten: NONE }, NONE, SHARE)).toBe(0);
  });
});

describe('the forecast of a way back', () => {
  const measured = { passes: [delta(10, 0)], rewritten: NONE };

  it('is mostly looks at the share where little has changed', () => {
    // 10 s of rows, 2 × 1,000,000 looks at 4,000 a second, 10 s to walk the old tree
    expect(reversePassSeconds(measured, NONE, SHARE)).toBe(10 + 500 + 10);
  });

  it('grows with what users have changed, which grows with time', () => {
    const changed = changesIn(86_400, delta(60, 1_000), 3_600);
    expect(changed).toEqual({ files: 24_000, bytes: 240 * MILLION });
    const more = (reversePassSeconds(measured, changed, SHARE) ?? 0) - (reversePassSeconds(measured, NONE, SHARE) ?? 0);
    expect(more).toBe(Math.ceil(24_000 / 500 + 240 / 50));
  });

  it('is told as a range, from at once to a day later, with what it is made of', () => {
    const busy = { ...measured, passes: [delta(60, 1_000)] };
    const mail = treeBack('mail', busy, SHARE, 3_600);
    expect(mail.least).toBe(reversePassSeconds(busy, NONE, SHARE));
    expect(mail.most).toBeGreaterThan(mail.least ?? Infinity);
    const databases = { what: 'databases', least: 7, most: 7 };
    expect(backOf([databases, mail])).toEqual({
      least: 7 + (mail.least ?? 0),
      most: 7 + (mail.most ?? 0),
      parts: [databases, mail],
    });
  });

  it('says that it does not know an end that nothing was measured for', () => {
    expect(treeBack('mail', measured, SHARE, null)).toMatchObject({ least: 520, most: null });
    expect(backOf([treeBack('mail', measured, null, 60)])).toMatchObject({ least: null, most: null });
  });
});
