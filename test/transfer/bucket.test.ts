import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { Clock } from '../../src/transfer/bucket.js';
import { Bucket, Throttle } from '../../src/transfer/limits.js';

const TAKER = join(import.meta.dirname, 'fixtures/taker.js');

/** A clock that stands still until somebody waits. */
class VirtualClock implements Clock {
  time = 1_000_000_000_000n;
  /** Milliseconds of each wait. */
  readonly waits: number[] = [];

  now(): bigint {
    return this.time;
  }

  block(_cells: Int32Array, _cell: number, _value: number, milliseconds: number): void {
    this.waits.push(milliseconds);
    this.pass(milliseconds);
  }

  sleep(milliseconds: number): Promise<void> {
    this.block(new Int32Array(), 0, 0, milliseconds);
    return Promise.resolve();
  }

  pass(milliseconds: number): void {
    this.time += BigInt(Math.ceil(milliseconds * 1e6));
  }

  get seconds(): number {
    return Number(this.time - 1_000_000_000_000n) / 1e9;
  }
}

function bucketOf(rate?: number): { clock: VirtualClock; bucket: Bucket } {
  const clock = new VirtualClock();
  const bucket = new Bucket(undefined, clock);
  bucket.setRate(rate);
  return { clock, bucket };
}

describe('a bucket', () => {
  it('gives everything at once without a rate', () => {
    const { clock, bucket } = bucketOf();
    for (let turn = 0; turn < 1_000; turn += 1) bucket.take(1e12);
    expect(clock.waits).toEqual([]);
  });

  it('gives no more than its rate, a tenth of a second and one amount, whatever is asked when', () => {
    const step = fc.record({ amount: fc.integer({ min: 1, max: 5_000 }), idle: fc.nat(3_000) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.array(step, { minLength: 1, maxLength: 60 }),
        (rate, steps) => {
          const { clock, bucket } = bucketOf(rate);
          const taken: { at: number; amount: number }[] = [];
          for (const { amount, idle } of steps) {
            clock.pass(idle);
            expect(bucket.take(amount)).toBe(true);
            taken.push({ at: clock.seconds, amount });
          }
          for (const [first, { at: from }] of taken.entries()) {
            let sum = 0;
            for (const { at, amount } of taken.slice(first)) {
              sum += amount;
              expect(sum).toBeLessThanOrEqual(rate * (at - from + 0.1) + 5_000 + 1);
            }
          }
        },
      ),
    );
  });

  it('wastes nothing of its rate while somebody asks', () => {
    const { clock, bucket } = bucketOf(1_000);
    for (let turn = 0; turn < 100; turn += 1) bucket.take(700);
    expect(clock.seconds).toBeGreaterThan(68);
    expect(clock.seconds).toBeLessThan(71);
  });

  it('never sleeps longer than 100 ms at a time, so that being stopped is noticed', () => {
    const { clock, bucket } = bucketOf(1);
    bucket.take(50);
    bucket.take(1);
    expect(clock.waits.length).toBeGreaterThan(100);
    expect(Math.max(...clock.waits)).toBeLessThanOrEqual(100);
    let asked = 0;
    expect(bucket.take(1, () => (asked += 1) > 3)).toBe(false);
  });

  it('lets those who wait pay their debt at a changed rate', () => {
    const { clock, bucket } = bucketOf(1);
    bucket.take(1_000);
    const before = clock.seconds;
    bucket.setRate(1_000);
    bucket.take(1);
    expect(clock.seconds - before).toBeGreaterThan(0.8);
    expect(clock.seconds - before).toBeLessThan(1.2);
    bucket.setRate(undefined);
    const after = clock.seconds;
    bucket.take(1e9);
    bucket.take(1e9);
    expect(clock.seconds).toBe(after);
  });

  it('keeps its debt when a rate is set that it has already', () => {
    const { clock, bucket } = bucketOf(100);
    bucket.take(1_000);
    for (let turn = 0; turn < 10; turn += 1) bucket.setRate(100);
    bucket.take(1);
    expect(clock.seconds).toBeGreaterThan(9.8);
  });

  it('serves lanes that must not block just the same, and throws the reason of an abort', async () => {
    const { clock, bucket } = bucketOf(1_000);
    for (let turn = 0; turn < 10; turn += 1) expect(await bucket.takeAsync(700)).toBe(true);
    expect(clock.seconds).toBeGreaterThan(5.5);
    expect(clock.seconds).toBeLessThan(7.1);
    const controller = new AbortController();
    const waiting = new Bucket();
    waiting.setRate(1);
    await waiting.takeAsync(1_000);
    const refused = expect(waiting.takeAsync(1, controller.signal)).rejects.toThrow('enough');
    controller.abort(new Error('enough'));
    await refused;
    bucket.stop();
    expect(await bucket.takeAsync(1)).toBe(false);
  });

  it('is shared by threads, which together get its rate, take a changed one at once and end when it is stopped', async () => {
    const bucket = new Bucket();
    bucket.setRate(1);
    bucket.take(500); // minutes of debt at this rate, a quarter of a second at the next one
    const workers = [1, 2, 3].map(() => new Worker(TAKER, { workerData: { shared: bucket.shared, amount: 10 } }));
    await Promise.all(workers.map((worker) => once(worker, 'online')));
    await sleep(200);
    bucket.setRate(2_000);
    const begin = process.hrtime.bigint();
    await sleep(1_500);
    bucket.stop();
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    const got = await Promise.all(workers.map(async (worker) => ((await once(worker, 'message')) as [number])[0]));
    const stopped = Number(process.hrtime.bigint() - begin) / 1e9 - seconds;
    const rate = got.reduce((sum, one) => sum + one, 0) / seconds;
    expect(rate).toBeGreaterThan(1_000);
    expect(rate).toBeLessThan(2_500);
    expect(stopped).toBeLessThan(2);
  });
});

describe('a throttle', () => {
  it('holds to both of its limits, in another thread’s view of it too', async () => {
    const clock = new VirtualClock();
    const throttle = new Throttle(undefined, clock);
    const view = new Throttle(throttle.shared, clock);
    throttle.set({ files: 10, bytes: 1_000 });
    for (let turn = 0; turn < 20; turn += 1) view.take(1, 1);
    expect(clock.seconds).toBeGreaterThan(1.7);
    expect(clock.seconds).toBeLessThan(2.2);
    for (let turn = 0; turn < 5; turn += 1) await view.takeAsync(1, 2_000);
    expect(clock.seconds).toBeGreaterThan(9.5);
    throttle.set({});
    const before = clock.seconds;
    for (let turn = 0; turn < 20; turn += 1) view.take(1, 1e9);
    expect(clock.seconds).toBe(before);
    throttle.stop();
    expect(view.take(1, 1)).toBe(false);
  });
});
