import { setTimeout as sleep } from 'node:timers/promises';

import type { Budget } from './types.js';

const SECOND = 1_000_000_000n;
/** Nanoseconds of the rate that an idle bucket saves up: a short pause is made good, a long one makes no flood. */
const BURST = SECOND / 10n;
/** Milliseconds that a waiting thread or lane sleeps before it looks at the rate and at being stopped again. */
const SLICE = 50;

/** Places in the shared memory: two 64-bit numbers, then two 32-bit ones. */
const RATE = 0;
const CLEAR = 1;
const EPOCH = 0;
const STOPPED = 1;
const BYTES = 24;

/** Time, and waiting for it; another one in tests. */
export interface Clock {
  /** Nanoseconds that only grow, the same for all threads. */
  now(): bigint;
  /** Blocks the thread, at most so many milliseconds, or until the cell is no longer `value` and was notified. */
  block(cells: Int32Array, cell: number, value: number, milliseconds: number): void;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

const SYSTEM: Clock = {
  now: () => process.hrtime.bigint(),
  block: (cells, cell, value, milliseconds) => void Atomics.wait(cells, cell, value, milliseconds),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { ...(signal === undefined ? {} : { signal }) }),
};

/**
 * A rate that threads share. Whoever finds it free takes any amount at once and leaves a debt that the next one waits
 * for: so large amounts never wait for a bucket that cannot hold them, and a changed rate counts for those who wait.
 */
export class Bucket {
  readonly #numbers: BigInt64Array;
  readonly #cells: Int32Array;

  /** @param shared memory of the bucket that this one is a view of, in another thread; without it a new bucket. */
  constructor(
    readonly shared: SharedArrayBuffer = new SharedArrayBuffer(BYTES),
    private readonly clock: Clock = SYSTEM,
  ) {
    this.#numbers = new BigInt64Array(shared, 0, 2);
    this.#cells = new Int32Array(shared, 16, 2);
  }

  /** @param perSecond at least 1; undefined for no limit. A debt stays, and is paid at the new rate. */
  setRate(perSecond: number | undefined): void {
    const rate = perSecond === undefined ? 0n : BigInt(Math.max(1, Math.round(perSecond)));
    const former = Atomics.exchange(this.#numbers, RATE, rate);
    if (former === rate) return;
    const now = this.clock.now();
    for (;;) {
      const clear = Atomics.load(this.#numbers, CLEAR);
      const debt = clear > now && former > 0n && rate > 0n ? ((clear - now) * former) / rate : 0n;
      if (Atomics.compareExchange(this.#numbers, CLEAR, clear, now + debt) === clear) break;
    }
    this.#wake();
  }

  /**
   * Takes an amount, blocking the thread while the bucket is in debt.
   *
   * @param stopped asked at least every 100 ms.
   * @returns false when it was stopped instead.
   */
  take(amount: number, stopped: () => boolean = () => false): boolean {
    for (;;) {
      const epoch = Atomics.load(this.#cells, EPOCH);
      if (this.#isStopped() || stopped()) return false;
      const wait = this.#attempt(amount);
      if (wait === 0) return true;
      this.clock.block(this.#cells, EPOCH, epoch, Math.min(wait, SLICE));
    }
  }

  /** The same without blocking. @throws the signal's reason. @returns false when it was stopped instead. */
  async takeAsync(amount: number, signal?: AbortSignal): Promise<boolean> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#isStopped()) return false;
      const wait = this.#attempt(amount);
      if (wait === 0) return true;
      // on abort the sleep throws its own error; the next look throws the signal's
      await this.clock.sleep(Math.min(wait, SLICE), signal).catch(() => undefined);
    }
  }

  /** Ends all waiting, in every thread, for good. */
  stop(): void {
    Atomics.store(this.#cells, STOPPED, 1);
    this.#wake();
  }

  /** @returns 0 when the amount was taken, else milliseconds until it is worth trying again. */
  #attempt(amount: number): number {
    for (;;) {
      const rate = Atomics.load(this.#numbers, RATE);
      if (rate === 0n || amount <= 0) return 0;
      const now = this.clock.now();
      const clear = Atomics.load(this.#numbers, CLEAR);
      if (clear > now) return Math.max(1, Number(clear - now) / 1e6);
      const from = clear > now - BURST ? clear : now - BURST;
      const next = from + (BigInt(amount) * SECOND) / rate;
      if (Atomics.compareExchange(this.#numbers, CLEAR, clear, next) === clear) return 0;
    }
  }

  #isStopped(): boolean {
    return Atomics.load(this.#cells, STOPPED) !== 0;
  }

  #wake(): void {
    Atomics.add(this.#cells, EPOCH, 1);
    Atomics.notify(this.#cells, EPOCH);
  }
}

/** Memory of a throttle, to be handed to another thread. */
export interface SharedThrottle {
  readonly bytes: SharedArrayBuffer;
  readonly files: SharedArrayBuffer;
}

/** A budget in force, shared by threads: so many bytes and so many files per second. */
export class Throttle {
  readonly #bytes: Bucket;
  readonly #files: Bucket;

  constructor(shared?: SharedThrottle, clock?: Clock) {
    this.#bytes = new Bucket(shared?.bytes, clock);
    this.#files = new Bucket(shared?.files, clock);
  }

  get shared(): SharedThrottle {
    return { bytes: this.#bytes.shared, files: this.#files.shared };
  }

  /** Changes the budget; counts at once, also for those who wait. */
  set({ bytes, files }: Budget): void {
    this.#bytes.setRate(bytes);
    this.#files.setRate(files);
  }

  /** Blocks until the budget has room. @returns false when it was stopped instead. */
  take(files: number, bytes: number, stopped?: () => boolean): boolean {
    return this.#files.take(files, stopped) && this.#bytes.take(bytes, stopped);
  }

  /** The same without blocking. @throws the signal's reason. @returns false when it was stopped instead. */
  async takeAsync(files: number, bytes: number, signal?: AbortSignal): Promise<boolean> {
    return (await this.#files.takeAsync(files, signal)) && (await this.#bytes.takeAsync(bytes, signal));
  }

  /** Ends all waiting, in every thread, for good. */
  stop(): void {
    this.#bytes.stop();
    this.#files.stop();
  }
}
