import { describe, expect, it } from '@jest/globals';

import type { Command, StepStatus, Verb } from '../../src/workflows/status.js';
import { validate, type Steerable } from '../../src/workflows/verbs.js';

const HELD: StepStatus = {
  id: 'A/pathDat',
  phase: 'First node',
  title: 'path.dat',
  machine: 'A',
  state: { is: 'held', since: 0, skippable: false, code: 'UNEXPECTED', why: 'unexpected', next: 'look' },
};

function rolloutThat(facts: Partial<Steerable>): Steerable {
  return {
    direction: 'forward',
    finished: false,
    paused: false,
    findings: [],
    stops: [],
    verified: [],
    answerable: () => [HELD],
    get: () => HELD,
    ...facts,
  };
}

const NO_STOP = { gate: undefined, stop: undefined, cutover: undefined };

describe('a verb', () => {
  it.each<Verb>(['pause', 'resume', 'retry', 'skip', 'approve', 'rollback'])(
    '"%s" is refused once the rollout has ended',
    (verb) => {
      for (const paused of [true, false]) {
        const ended = rolloutThat({ finished: true, paused });
        expect(() => {
          validate(ended, { verb, by: 'tester@test' }, NO_STOP);
        }).toThrow('it has ended');
      }
    },
  );

  it.each<[Verb, Partial<Steerable>]>([
    ['pause', {}],
    ['resume', { paused: true }],
    ['retry', {}],
    ['rollback', {}],
    ['rollback', { paused: true }],
  ])('"%s" is taken where it fits: %j', (verb, facts) => {
    expect(() => {
      validate(rolloutThat(facts), { verb, by: 'tester@test' }, NO_STOP);
    }).not.toThrow();
  });

  it.each<Omit<Command, 'by'>>([{ verb: 'approve' }, { verb: 'cutover', when: 'now' }, { verb: 'cutover', when: 5 }])(
    'that lets it go on is refused to who has started it, where somebody else has to: %j',
    (command) => {
      const gate = { state: (): never => undefined as never, blocked: null };
      const stopping = { ...NO_STOP, gate, notBy: 'first@test' };
      const given = (by: string) => () => {
        validate(rolloutThat({}), { ...command, by }, stopping);
      };
      expect(given('first@test')).toThrow('first@test has started it');
      expect(given('second@test')).not.toThrow();
      expect(() => {
        validate(rolloutThat({}), { ...command, by: 'first@test' }, { ...NO_STOP, gate });
      }).not.toThrow();
    },
  );

  it('that stops or takes back is everybody’s, whoever has started it', () => {
    const stopping = { ...NO_STOP, notBy: 'first@test' };
    for (const verb of ['pause', 'rollback', 'retry'] as const) {
      expect(() => {
        validate(rolloutThat({}), { verb, by: 'first@test' }, stopping);
      }).not.toThrow();
    }
  });

  it.each<[Verb, Partial<Steerable>, string]>([
    ['pause', { paused: true }, 'it is paused already'],
    ['resume', {}, 'it is not paused'],
    ['rollback', { direction: 'back' }, 'it is going back already'],
    ['skip', {}, 'A/pathDat cannot be skipped safely'],
    ['retry', { answerable: () => [] }, 'no step is held'],
  ])('"%s" is refused with the reason: %j', (verb, facts, reason) => {
    expect(() => {
      validate(rolloutThat(facts), { verb, by: 'tester@test' }, NO_STOP);
    }).toThrow(reason);
  });
});
