import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { Meter, progressLine } from '../../src/cli/progress-line.js';
import type { Amount, Progress } from '../../src/transfer/types.js';

const GIB = 1_024 ** 3;

function progressOf(durable: Amount, more: Partial<Progress> = {}): Progress {
  const none = { files: 0, bytes: 0 };
  const rest = { skipped: 0, deleted: 0, moved: 0 };
  return { phase: 'walk and copy', seen: durable, durable, copied: none, ...rest, ...more };
}

describe('the meter of a run', () => {
  it('forecasts from what the last half minute brought, right after a resume too', () => {
    const meter = new Meter('durable');
    const total = { files: 1_000, bytes: 1_000 };
    // an earlier run has brought 800; this one brings ten files a second
    for (let second = 0; second <= 10; second += 1) {
      const durable = { files: 800 + 10 * second, bytes: 800 + 10 * second };
      const copied = { files: 10 * second, bytes: 10 * second };
      const reading = meter.read(progressOf(durable, { copied, total }), second * 1_000);
      expect(reading.percent).toBe(80 + second);
      if (second > 0) expect(reading).toMatchObject({ rate: { files: 10, bytes: 10 }, left: 20 - second });
    }
  });

  it('forgets what is older than half a minute', () => {
    const meter = new Meter('durable');
    for (let second = 0; second <= 120; second += 1) {
      const files = second < 60 ? second * 100 : 6_000 + (second - 60);
      const { rate } = meter.read(progressOf({ files, bytes: 0 }, { copied: { files, bytes: 0 } }), second * 1_000);
      if (second === 59) expect(rate.files).toBeCloseTo(100);
      if (second === 120) expect(rate.files).toBeCloseTo(1);
    }
  });

  it('takes files or bytes, whichever take longer', () => {
    const meter = new Meter('durable');
    const total = { files: 100, bytes: 1_000 };
    meter.read(progressOf({ files: 0, bytes: 0 }, { total }), 0);
    const reading = meter.read(progressOf({ files: 90, bytes: 100 }, { total }), 10_000);
    expect(reading).toMatchObject({ percent: 10, left: 90 });
  });

  it('tells no percentage before the source has been counted, and no forecast while nothing moves', () => {
    const meter = new Meter('durable');
    expect(meter.read(progressOf({ files: 5, bytes: 5 }), 0)).not.toHaveProperty('percent');
    const still = meter.read(progressOf({ files: 5, bytes: 5 }, { total: { files: 9, bytes: 9 } }), 1_000);
    expect(still).toMatchObject({ percent: 55 });
    expect(still).not.toHaveProperty('left');
  });

  it('never runs backwards, though the source grows', () => {
    const amount = fc.record({ files: fc.nat(1_000), bytes: fc.nat(1_000) });
    fc.assert(
      fc.property(fc.array(fc.record({ more: amount, total: amount, wait: fc.nat(60_000) })), (steps) => {
        const meter = new Meter('durable');
        let [files, bytes, at, before] = [0, 0, 0, 0];
        for (const { more, total, wait } of steps) {
          [files, bytes, at] = [files + more.files, bytes + more.bytes, at + wait];
          const { percent = 0, left = 0 } = meter.read(progressOf({ files, bytes }, { total }), at);
          expect(percent).toBeGreaterThanOrEqual(before);
          expect(percent).toBeLessThanOrEqual(100);
          expect(left).toBeGreaterThanOrEqual(0);
          before = percent;
        }
      }),
    );
  });
});

describe('the line about a run', () => {
  const durable = { files: 12_345, bytes: 1.2 * GIB };
  const total = { files: 60_000, bytes: 5.6 * GIB };
  const reading = { done: durable, total, percent: 20, rate: { files: 1_234, bytes: 85 * 1_024 ** 2 }, left: 192 };

  it('tells how far it is, how fast and how long it takes', () => {
    expect(progressLine(progressOf(durable, { total }), reading, 100)).toBe(
      '12,345 of 60,000 files  1.20 GiB of 5.60 GiB  20 %  85.0 MiB/s  1,234 files/s  ETA 3:12',
    );
  });

  it('leaves out what matters least where there is no room', () => {
    const at = (columns: number): string => progressLine(progressOf(durable, { total }), reading, columns);
    expect(at(80)).toBe('12,345 of 60,000 files  1.20 GiB of 5.60 GiB  20 %  85.0 MiB/s  ETA 3:12');
    expect(at(60)).toBe('12,345 of 60,000 files  20 %  85.0 MiB/s  ETA 3:12');
    expect(at(20)).toBe('20 %  ETA 3:12');
    expect(at(6)).toBe('20 %  ');
  });

  it('tells what it waits for instead of how fast it is, what it is at, and what it skipped', () => {
    const waiting = progressOf(durable, { total, waits: 'no room at the destination', skipped: 3 });
    expect(progressLine(waiting, reading, 100)).toBe(
      '12,345 of 60,000 files  1.20 GiB of 5.60 GiB  20 %  3 skipped  waits: no room at the destination',
    );
    expect(progressLine(progressOf(durable, { phase: 'second walk' }), { done: durable, rate: reading.rate }, 80)).toBe(
      'second walk:  12,345 files  1.20 GiB  85.0 MiB/s  1,234 files/s',
    );
  });

  it('is never longer than the terminal is wide, and has neither colours nor line breaks', () => {
    const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    const amount = fc.record({ files: count, bytes: count });
    const any = fc.record({ done: amount, total: amount, percent: fc.nat(100), rate: amount, left: fc.nat(1e9) });
    fc.assert(
      fc.property(any, fc.nat(120), fc.boolean(), (one, columns, waits) => {
        const progress = progressOf(one.done, waits ? { waits: 'the share does not answer' } : {});
        const line = progressLine(progress, one, columns);
        expect(line.length).toBeLessThanOrEqual(columns);
        expect(line).toMatch(/^[ -~]*$/);
      }),
    );
  });
});
