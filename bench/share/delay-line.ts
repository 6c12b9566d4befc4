import { performance } from 'node:perf_hooks';

/** Below this many milliseconds a timer, which knows whole ones only, would be too late. */
const TIMER_FROM = 1.3;
/** How long the loop stands still at most: it must not miss what arrives meanwhile. Takes about twice that in fact. */
const SLICE = 0.1;

const nobody = new Int32Array(new SharedArrayBuffer(4));
const waiting: { readonly due: number; readonly act: () => void }[] = [];
let isScheduled = false;

/**
 * Calls `act` after `delay` milliseconds, to a few tenths; calls with the same delay keep their order. For a process
 * that does nothing else: the event loop is held up for tenths of a millisecond.
 */
export function later(delay: number, act: () => void): void {
  if (delay === 0) {
    act();
    return;
  }
  waiting.push({ due: performance.now() + delay, act });
  schedule();
}

function schedule(): void {
  if (isScheduled) return;
  const next = waiting[0];
  if (next === undefined) return;
  isScheduled = true;
  const rest = next.due - performance.now();
  if (rest > TIMER_FROM) {
    setTimeout(run, 1);
    return;
  }
  if (rest > 0) Atomics.wait(nobody, 0, 0, Math.min(rest, SLICE));
  setImmediate(run);
}

function run(): void {
  isScheduled = false;
  const now = performance.now();
  let next = waiting[0];
  while (next !== undefined && next.due <= now) {
    waiting.shift();
    next.act();
    next = waiting[0];
  }
  schedule();
}
