import { parseArgs } from 'node:util';

import { newSeed } from '../support/trees/random.js';
import { type Victim, VICTIMS } from './kill.js';
import { SCENARIOS } from './scenario.js';

/** What a sweep is asked for. */
export interface Options {
  readonly scenario: string;
  /** Steps whose ids match. */
  readonly steps: RegExp;
  readonly victims: readonly Victim[];
  readonly seed: number;
  /** Outages of a minute in the place of kills. */
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
      seed: { type: 'string' },
      outages: { type: 'boolean', default: false },
      rollouts: { type: 'string' },
    },
  });
  const { scenario, steps, who, seed, outages, rollouts } = values;
  if (!Object.hasOwn(SCENARIOS, scenario)) {
    throw new TypeError(`--scenario is one of: ${Object.keys(SCENARIOS).join(', ')}`);
  }
  const victims = VICTIMS.filter((victim) => who.includes(victim));
  if (victims.length < new Set(who).size) throw new TypeError(`--who is one of: ${VICTIMS.join(', ')}`);
  return {
    scenario,
    steps: new RegExp(steps),
    victims,
    outages,
    seed: seed === undefined ? newSeed() : Number(seed),
    rollouts: rollouts === undefined ? Infinity : Number(rollouts),
  };
}
