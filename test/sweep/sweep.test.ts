import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import type { StepState } from '../../src/workflows/status.js';
import type { Happening } from './history.js';
import { killsOf, wordsOf, type Kill } from './kill.js';
import { Moments } from './moments.js';
import { wordsFor } from './operator.js';
import { optionsOf } from './options.js';
import { longestCalls, narrow, resultOf } from './sweep.js';
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

describe('what a sweep is asked for', () => {
  it('is everything, or some steps, victims and moments of one scenario', () => {
    expect(optionsOf([])).toMatchObject({ scenario: 'fresh', moments: ['start', 'middle', 'end'], again: false });
    const some = optionsOf(['--scenario', 'production', '--steps', '^A/', '--who', 'temporal', '--when', 'end']);
    expect(some).toMatchObject({ scenario: 'production', victims: ['temporal'], moments: ['end'] });
    expect(some.steps.test('B/pathDat')).toBe(false);
  });

  it.each([
    ['--who', /agent, control, temporal/],
    ['--when', /start, middle, end/],
    ['--scenario', /fresh, production/],
  ])('is refused in words where %s names nothing', (flag, words) => {
    expect(() => optionsOf([flag, 'nobody'])).toThrow(words);
  });
});

describe('the operator of a sweep', () => {
  const step = (state: StepState): Parameters<typeof wordsFor>[0] => ({
    steps: [{ id: 'A/step', phase: '', title: '', machine: 'A', state }],
  });
  const list = 'a'.repeat(64);
  const gate = { is: 'gate', since: 0, stage: 'databases', why: '', at: null, budget: 300, skipped: [] } as const;
  const held = { is: 'held', since: 0, skippable: false, why: '', next: '', code: 'PROBE_FAILED' } as const;

  it.each<[string, StepState, unknown[]]>([
    ['retries what is held', held, [{ verb: 'retry', step: 'A/step' }]],
    [
      'approves of findings that hold it',
      { ...held, code: 'PREFLIGHT_STOPS', approvable: ['A/external-mailboxes'] },
      [{ verb: 'approve', finding: 'A/external-mailboxes' }],
    ],
    [
      'approves of exactly the list of skipped items that holds it',
      { ...held, code: 'SKIPPED_UNAPPROVED', why: `nobody has approved of list ${list} with 2 items` },
      [{ verb: 'approve', skipped: list }],
    ],
    ['approves of a stop that fits', { ...gate, forecast: 60 }, [{ verb: 'approve' }]],
    [
      'approves of a stop’s skipped items first',
      { ...gate, forecast: 60, skipped: [{ what: 'mail', hash: list, count: 2 }] },
      [{ verb: 'approve', skipped: list }],
    ],
    ['begins a stop in spite of its forecast', { ...gate, forecast: 400 }, [{ verb: 'cutover', when: 'now' }]],
    ['leaves a stop that begins by itself alone', { ...gate, forecast: 60, at: 5 }, []],
    ['has nothing to say while it goes on', { is: 'running' }, []],
  ])('%s', (_what, state, words) => {
    expect(wordsFor(step(state))).toEqual(words);
  });

  it('has begun a stop again where what was met in it made it go back', () => {
    const operated = { retried: new Map([['A/step', ['X']]]), returns: [{ from: 100, until: 200, why: '' }] };
    expect(resultOf('A/step', 150, operated)).toBe('back');
    expect(resultOf('A/step', 250, operated)).toBe('retry');
    expect(resultOf('A/other', 250, operated)).toBe('itself');
  });
});
