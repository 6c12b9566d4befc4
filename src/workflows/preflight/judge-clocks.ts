import { CLOCK_TOLERANCE, type Lead } from '../../cluster/clocks.js';
import type { ClockReading } from '../clock-reading.js';
import { finding, type Finding } from './finding.js';

/** Clocks by whose they are, in words: "node B", "the share server". */
export type Clocks = ReadonlyMap<string, ClockReading>;

/** The database server's clock: that of the control machine, less what that is ahead of it. */
export function clockOfDatabase(control: ClockReading, { ahead, unsure }: Lead): ClockReading {
  return { low: control.low - ahead - unsure, high: control.high - ahead + unsure };
}

/**
 * Rule 5 of the procedure: nodes, control machine, share and database within a second. Only what is certain is found:
 * the doubt of both readings is taken off first. Pure.
 */
export function judgeClocks(clocks: Clocks): readonly Finding[] {
  const all = [...clocks].map(([name, reading]) => ({ name, ...reading }));
  const fast = all.reduce((best, one) => (one.low > best.low ? one : best), all[0] ?? NONE);
  const slow = all.reduce((best, one) => (one.high < best.high ? one : best), all[0] ?? NONE);
  if (fast.low - slow.high <= CLOCK_TOLERANCE) return [];
  const middle = (fast.low + fast.high - slow.low - slow.high) / 2;
  const doubt = middle - (fast.low - slow.high);
  const apart = `${seconds(middle)} s ahead of that of ${slow.name} (± ${seconds(doubt)} s)`;
  return [finding('clocksApart', 'cluster', `the clock of ${fast.name} is ${apart}; at most 1 s is expected`)];
}

const NONE = { name: '', low: 0, high: 0 };
const seconds = (milliseconds: number): string => (milliseconds / 1_000).toFixed(1);
