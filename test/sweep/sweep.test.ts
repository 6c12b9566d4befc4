import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import type { Happening } from './history.js';
import { killsOf, wordsOf, type Kill } from './kill.js';
import { Moments } from './moments.js';
import { longestCalls, narrow } from './sweep.js';
import { resultsIn, stepsIn, tableOf, withSection, type Result } from './table.js';

const call = (is: Happening['is'], activity: string, took?: number): Happening => ({
  step: 'A/pathDat',
  machine: 'A',
  activity,
  is,
  at: Date.now(),
  ...(took === undefined ? {} : { took }),
});
const TIMES = [
  { step: 'A/pathDat', machine: 'A', activity: 'pathDat.apply', milliseconds: 1_000 },
  { step: 'control/balancer', machine: 'control', activity: 'balancer.apply', milliseconds: 10 },
];

describe('the kills of a sweep', () => {
  it('are three of each victim for each step, where a step of the control machine has no other agent', () => {
    const words = killsOf(TIMES).map(wordsOf);
    expect(words).toHaveLength(15);
    expect(words).toContain('agent at the middle of A/pathDat');
    expect(words).not.toContain('agent at the middle of control/balancer');
  });

  it('go by the longest call of each step', () => {
    const happenings = [
      call('scheduled', 'pathDat.check'),
      call('over', 'pathDat.check', 20),
      call('scheduled', 'pathDat.apply'),
      call('over', 'pathDat.apply', 1_000),
    ];
    expect(longestCalls(happenings)).toEqual(TIMES.slice(0, 1));
  });

  it('that make a difference are found by halves', async () => {
    const kills = killsOf(TIMES);
    const guilty = kills[7];
    const isDifferent = async (some: readonly Kill[]): Promise<boolean> => some.some((kill) => kill === guilty);
    expect(await narrow(kills, isDifferent)).toEqual([guilty]);
    expect(await narrow(kills, async () => false)).toEqual(kills);
  });
});

describe('the moments of a step', () => {
  const told: string[] = [];
  let moments: Moments;

  beforeEach(() => {
    jest.useFakeTimers();
    told.length = 0;
    moments = new Moments(new Map(TIMES.map((time) => [time.step, time])), (_step, moment) => told.push(moment));
  });
  afterEach(() => {
    moments.stop();
    jest.useRealTimers();
  });

  it('are its first call, the middle and the end of its longest one, once each', () => {
    moments.see(call('scheduled', 'pathDat.check'));
    moments.see(call('over', 'pathDat.check', 20));
    expect(told).toEqual(['start']);
    moments.see(call('scheduled', 'pathDat.apply'));
    jest.advanceTimersByTime(600);
    expect(told).toEqual(['start', 'middle']);
    jest.advanceTimersByTime(400);
    expect(told).toEqual(['start', 'middle', 'end']);
    // the same call again, after a kill
    moments.see(call('over', 'pathDat.apply', 1_000));
    moments.see(call('scheduled', 'pathDat.apply'));
    jest.advanceTimersByTime(2_000);
    expect(told).toEqual(['start', 'middle', 'end']);
  });

  it('leave the middle out where the call was over earlier', () => {
    moments.see(call('scheduled', 'pathDat.apply'));
    jest.advanceTimersByTime(100);
    moments.see(call('over', 'pathDat.apply', 100));
    jest.advanceTimersByTime(2_000);
    expect(told).toEqual(['start', 'end']);
  });
});

describe('the table of a sweep', () => {
  it('is read as it was written, and stands between the sections around it', () => {
    const kills = killsOf(TIMES);
    const results = new Map<string, Result>([
      ['agent at the middle of A/pathDat', 'itself'],
      ['temporal at the end of control/balancer', 'retry'],
    ]);
    const document = '# Top\n\n## One\n\nold\n\n## Two\n\nstays\n';
    const written = withSection(document, 'One', tableOf(kills, results));
    expect(resultsIn(written, 'One')).toEqual(results);
    expect(stepsIn(written, 'One')).toEqual(['A/pathDat', 'control/balancer']);
    expect(written).toContain('| `control/balancer` | as control | · · · | · · r |');
    expect(written).not.toContain('old');
    expect(written).toMatch(/\n\n## Two\n\nstays\n$/);
  });
});
