import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { countText, durationText, parseCount, parsePercent, parseSize, sizeText } from '../../src/cli/quantities.js';

describe('a size', () => {
  it.each([
    ['1500', 1_500],
    ['10M', 10 * 1_024 ** 2],
    ['1.5g', 1.5 * 1_024 ** 3],
    ['10 MiB', 10 * 1_024 ** 2],
    ['2kb', 2_048],
    ['1T', 1_024 ** 4],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', '0', '-1', '10 X', 'M', '1.5.2', '1e9', '99999T'])('%j is refused', (text) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '0.98 KiB'],
    [10_239, '10.0 KiB'],
    [1.4 * 1_024 ** 3, '1.40 GiB'],
    [1_023 * 1_024 ** 2, '1.00 GiB'],
    [5_000 * 1_024 ** 4, '5000 TiB'],
  ])('of %d bytes is shown as %s', (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });

  it('is shown within a hundredth of what it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_024, max: 1e15 }), (bytes) => {
        expect(Math.abs(parseSize(sizeText(bytes)) / bytes - 1)).toBeLessThan(0.01);
      }),
    );
  });
});

describe('a count', () => {
  it('is a whole number within bounds', () => {
    expect(parseCount('0', 0)).toBe(0);
    expect(parseCount('64', 1, 64)).toBe(64);
    expect(countText(1_234_567.4)).toBe('1,234,567');
    for (const text of ['', '-1', '1.5', '1e3', '65', 'x']) {
      expect(() => parseCount(text, 1, 64)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    }
  });
});

describe('a percentage', () => {
  it('is more than nothing and at most everything', () => {
    expect(['5', '0.5', '100 %'].map(parsePercent)).toEqual([5, 0.5, 100]);
    for (const text of ['0', '101', '', 'all', '-5']) {
      expect(() => parsePercent(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    }
  });
});

describe('a duration', () => {
  it.each([
    [0, '0:00'],
    [7.4, '0:07'],
    [754, '12:34'],
    [3_723, '1:02:03'],
    [86_399.6, '1 d 00 h'],
    [3 * 86_400 + 4 * 3_600 + 59, '3 d 04 h'],
  ])('of %d seconds is shown as %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});
