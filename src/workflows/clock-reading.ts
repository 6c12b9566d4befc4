import type { Hello } from '../activities/register.js';
import type { Machine } from '../cluster/names.js';
import { call } from './calls.js';

/** How far a clock is ahead of the Temporal server's: at least `low`, at most `high` milliseconds. */
export interface ClockReading {
  readonly low: number;
  readonly high: number;
}

const LOOKS = 3;
/** Milliseconds of doubt that are good enough to find out about a second. */
const EXACT = 200;

/**
 * Reads a machine's clock as NTP does, with the Temporal server's clock as the common one: the workflow's own time
 * before and after the answer is that of the server's events. A machine that answers late makes the reading less exact,
 * never wrong. Three looks at most; what all of them allow is taken.
 */
export async function readClock(on: Machine): Promise<ClockReading> {
  let reading: ClockReading = { low: -Infinity, high: Infinity };
  for (let look = 0; look < LOOKS && reading.high - reading.low > EXACT; look += 1) {
    const asked = Date.now();
    const { clock } = (await call(on, 'agent.hello', 'read the clock', [], { attempts: 1 })) as Hello;
    const now = { low: clock - Date.now(), high: clock - asked };
    const both = { low: Math.max(reading.low, now.low), high: Math.min(reading.high, now.high) };
    // a clock that was set in between: what it was does not matter
    reading = both.low <= both.high ? both : now;
  }
  return reading;
}
