import type { Random } from '../support/trees/random.js';
import { differences, type Snapshot } from '../e2e/snapshot.js';
import type { Happening } from './history.js';
import { type Kill, type StepTime, wordsOf } from './kill.js';
import { Moments } from './moments.js';
import type { Operated } from './operator.js';
import { type Outage, outages } from './outages.js';
import { roll, type Rolled } from './rollout.js';
import type { Scenario } from './scenario.js';
import type { Result } from './table.js';
import { Victims } from './victims.js';

/** How an undisturbed rollout went: what every other one is measured by. */
export interface Undisturbed {
  readonly times: readonly StepTime[];
  readonly state: Snapshot;
}

/** What came of one rollout with kills, or with outages. */
export interface Swept extends Operated {
  readonly made: readonly Kill[];
  /** What was met, in words → how the rollout came through it. */
  readonly results: ReadonlyMap<string, Result>;
  /** What its end has otherwise than the undisturbed one. */
  readonly different: readonly string[];
}

export async function rollUndisturbed(scenario: Scenario): Promise<Undisturbed> {
  const { happenings, retried, returns, state } = await roll(scenario, () => ({
    see: () => undefined,
    end: async () => undefined,
  }));
  if (retried.size > 0) throw new Error(`held although nothing disturbs it: ${[...retried.keys()].join(', ')}`);
  const [first] = returns;
  if (first !== undefined) throw new Error(`a stop went back although nothing disturbs it: ${first.why}`);
  return { times: longestCalls(happenings), state };
}

/** Each step's longest call, in the order in which the steps began. */
export function longestCalls(happenings: readonly Happening[]): StepTime[] {
  const longest = new Map<string, StepTime>();
  for (const { step, machine, activity, is, took: milliseconds = 0 } of happenings) {
    const known = longest.get(step);
    if (is === 'scheduled') longest.set(step, known ?? { step, machine, activity, milliseconds: 0 });
    else if (known === undefined || milliseconds >= known.milliseconds) {
      longest.set(step, { step, machine, activity, milliseconds });
    }
  }
  return [...longest.values()];
}

/** One rollout that meets as many of these kills as fit into it, each while the others' victims are there. */
export async function rollThrough(
  scenario: Scenario,
  undisturbed: Undisturbed,
  kills: readonly Kill[],
  random: Random,
): Promise<Swept> {
  const times = new Map(undisturbed.times.map((time) => [time.step, time]));
  /** Kill → when. */
  const made = new Map<Kill, number>();
  const rolled = await rollOrSay(scenario, (lab) => {
    const victims = new Victims(lab, times);
    const moments = new Moments(times, (step, moment) => {
      const possible = kills.filter(
        (kill) => kill.step === step && kill.moment === moment && victims.mayKill(kill) && !made.has(kill),
      );
      const kill = possible[random.between(0, possible.length - 1)];
      if (kill === undefined) return;
      made.set(kill, Date.now());
      victims.kill(kill, random.next());
    });
    return {
      see: (happening) => {
        victims.happened();
        moments.see(happening);
      },
      end: async () => {
        moments.stop();
        await victims.allBack();
      },
    };
  });
  const { retried, returns } = rolled;
  const results = new Map([...made].map(([kill, at]) => [wordsOf(kill), resultOf(kill.step, at, rolled)]));
  return {
    made: [...made.keys()],
    results,
    retried,
    returns,
    different: differencesIn(undisturbed.state, rolled.state),
  };
}

/** How a rollout came through what began at that time in that step. */
export function resultOf(step: string, at: number, { retried, returns }: Operated): Result {
  if (returns.some(({ from, until }) => from <= at && at <= until)) return 'back';
  return retried.has(step) ? 'retry' : 'itself';
}

/** One that comes to no good end has that as its state. */
async function rollOrSay(scenario: Scenario, disturb: Parameters<typeof roll>[1]): Promise<Rolled> {
  return roll(scenario, disturb).catch((error: unknown) => ({
    happenings: [],
    retried: new Map(),
    returns: [],
    state: { 'the rollout': String(error) },
  }));
}

/** A rollout that came to no good end is different as a whole. */
function differencesIn(undisturbed: Snapshot, state: Snapshot): readonly string[] {
  const whole = state['the rollout'];
  return whole === undefined ? differences(undisturbed, state) : [whole];
}

/** One rollout that meets every outage of its scenario. */
export async function rollThroughOutages(scenario: Scenario, { times, state }: Undisturbed): Promise<Swept> {
  const begun = new Map<Outage, number>();
  const rolled = await rollOrSay(scenario, (lab) => outages(lab, scenario.outages, times, begun));
  const { retried, returns } = rolled;
  const results = new Map([...begun].map(([{ what, step }, at]) => [what, resultOf(step, at, rolled)]));
  return { made: [], results, retried, returns, different: differencesIn(state, rolled.state) };
}

/**
 * Which of these kills, at the end of which something is different, is enough for that.
 *
 * @returns fewer kills, down to one; those that it began with where no half of them is enough.
 */
export async function narrow(
  kills: readonly Kill[],
  isDifferent: (some: readonly Kill[]) => Promise<boolean>,
): Promise<readonly Kill[]> {
  if (kills.length < 2) return kills;
  const middle = Math.ceil(kills.length / 2);
  for (const half of [kills.slice(0, middle), kills.slice(middle)]) {
    if (await isDifferent(half)) return narrow(half, isDifferent);
  }
  return kills;
}

/** What a person reads about a rollout with kills. */
export function toldOf({ results, retried, returns, different }: Swept): string {
  const held = [...retried].map(([step, codes]) => `${step} (${codes.join(', ')})`);
  return [
    `${results.size} met: ${[...results].map(([what, result]) => `${what} (${result})`).join('; ')}`,
    `held until retried: ${held.length === 0 ? 'nothing' : held.join('; ')}`,
    `stops that went back: ${returns.length === 0 ? 'none' : returns.map(({ why }) => why).join('; ')}`,
    ...(different.length === 0 ? ['the end is the same'] : ['DIFFERENT:', ...different.map((line) => `  ${line}`)]),
  ].join('\n');
}
