import { parseArgs } from 'node:util';

import { newSeed } from '../support/trees/random.js';
import { type Moment, MOMENTS, type Victim, VICTIMS } from './kill.js';
import { SCENARIOS } from './scenario.js';

/** What a sweep is asked for. */
export interface Options {
  readonly scenario: string;
  /** Steps whose ids match. */
  readonly steps: RegExp;
  readonly victims: readonly Victim[];
  readonly moments: readonly Moment[];
  /** Also kills whose result the document has already. */
  readonly again: boolean;
  /** After a rollout with another end: with the next one, in the place of a search for the kill that made it. */
  readonly goOn: boolean;
  readonly seed: number;
  /** First one rollout with outages of a minute. */
  readonly outages: boolean;
  /** Rollouts with kills at most, besides the undisturbed one; without it as many as it takes. */
  readonly rollouts: number;
}

/** @throws TypeError in words for who typed it. */
export function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string', default: 'fresh' },
      steps: { type: 'string', default: '' },
      who: { type: 'string', multiple: true, default: [...VICTIMS] },
      when: { type: 'string', multiple: true, default: [...MOMENTS] },
      again: { type: 'boolean', default: false },
      'go-on': { type: 'boolean', default: false },
      seed: { type: 'string' },
      outages: { type: 'boolean', default: false },
      rollouts: { type: 'string' },
    },
  });
  const { scenario, steps, who, when, again, seed, outages, rollouts } = values;
  if (!Object.hasOwn(SCENARIOS, scenario)) {
    throw new TypeError(`--scenario is one of: ${Object.keys(SCENARIOS).join(', ')}`);
  }
  return {
    scenario,
    steps: new RegExp(steps),
    victims: chosen('--who', VICTIMS, who),
    moments: chosen('--when', MOMENTS, when),
    again,
    goOn: values['go-on'],
    outages,
    seed: seed === undefined ? newSeed() : Number(seed),
    rollouts: rollouts === undefined ? Infinity : Number(rollouts),
  };
}

/** @throws TypeError for what is none of them. */
function chosen<T extends string>(flag: string, all: readonly T[], asked: readonly string[]): readonly T[] {
  const some = all.filter((one) => asked.includes(one));
  if (some.length < new Set(asked).size) throw new TypeError(`${flag} is one of: ${all.join(', ')}`);
  return some;
}
