import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { DefaultLogger, Runtime } from '@temporalio/worker';

import { packageRoot } from '../../src/lab/host.js';
import { Random } from '../support/trees/random.js';
import { type Kill, killsOf, wordsOf } from './kill.js';
import { type Options, optionsOf } from './options.js';
import { takeLabsDown } from './rollout.js';
import { type Scenario, SCENARIOS } from './scenario.js';
import {
  narrow,
  rollThrough,
  rollThroughOutages,
  rollUndisturbed,
  type Swept,
  toldOf,
  type Undisturbed,
} from './sweep.js';
import { outageTable, resultsIn, tableOf, withSection } from './table.js';

/** Lies beside the sources, not in the compiled tree. */
const DOCUMENT = join(packageRoot(), 'docs/reliability.md');

// replays of histories have nothing to tell but their result
Runtime.install({ logger: new DefaultLogger('ERROR') });
const given = process.argv.slice(2);
const options = optionsOf(given);
/** What makes the same sweep again. */
const words = given.includes('--seed') ? given : [...given, '--seed', String(options.seed)];
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say('ended: its lab is taken down; the same command goes on with what is missing');
    void takeLabsDown().finally(() => process.exit(1));
  });
}
process.exitCode = await sweep(options);

/** @returns the exit code: 1 when a rollout came to another end than the undisturbed one. */
async function sweep(asked: Options): Promise<number> {
  const { scenario: name, steps, victims, moments, seed, outages, rollouts, again, goOn } = asked;
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new RangeError(name);
  const random = new Random(seed);
  say(`seed ${seed}; first an undisturbed rollout`);
  const undisturbed = await rollUndisturbed(scenario);
  let different = outages && !(await meetOutages(scenario, undisturbed));
  const all = killsOf(undisturbed.times);
  let pending = killsOf(
    undisturbed.times.filter(({ step }) => steps.test(step)),
    victims,
    moments,
  );
  // one that was ended goes on where it was
  const known = resultsIn(readFileSync(DOCUMENT, 'utf8'), scenario.title);
  if (!again) pending = pending.filter((kill) => !known.has(wordsOf(kill)));
  say(`${undisturbed.times.length} steps, ${pending.length} kills`);
  for (let rollout = 1; rollout <= rollouts && pending.length > 0; rollout += 1) {
    const swept = await rollThrough(scenario, undisturbed, pending, random);
    say(`rollout ${rollout}, ${toldOf(swept)}`);
    if (swept.different.length > 0 && !goOn) {
      await blame(scenario, undisturbed, swept, random);
      return 1;
    }
    different ||= swept.different.length > 0;
    // a moment that never comes, such as the middle of a call that is quicker every time
    if (swept.made.length === 0) break;
    if (swept.different.length === 0) keep(scenario, all, swept);
    pending = pending.filter((kill) => !swept.made.some((made) => wordsOf(made) === wordsOf(kill)));
  }
  say(pending.length === 0 ? 'every kill was made' : `not made: ${pending.map(wordsOf).join('; ')}`);
  return different ? 1 : 0;
}

/** @returns whether the end is the same. */
async function meetOutages(scenario: Scenario, undisturbed: Undisturbed): Promise<boolean> {
  const swept = await rollThroughOutages(scenario, undisturbed);
  say(toldOf(swept));
  if (swept.different.length > 0) return false;
  const rows = scenario.outages.flatMap(({ what, step }) => {
    const result = swept.results.get(what);
    return result === undefined ? [] : [{ what, step, result }];
  });
  write(`Outages: ${scenario.title}`, outageTable(rows));
  return true;
}

/** Runs again with fewer kills until it is known which of them makes the difference. */
async function blame(scenario: Scenario, undisturbed: Undisturbed, swept: Swept, random: Random): Promise<void> {
  const guilty = await narrow(swept.made, async (some) => {
    const { different } = await rollThrough(scenario, undisturbed, some, random);
    say(`again with ${some.length} of its kills: ${different.length === 0 ? 'the same end' : different.join('\n')}`);
    return different.length > 0;
  });
  say(`the difference comes with: ${guilty.map(wordsOf).join('; ')}`);
}

/** Puts what is known now into the document, beside what earlier sweeps found. */
function keep(scenario: Scenario, all: readonly Kill[], swept: Swept): void {
  const document = readFileSync(DOCUMENT, 'utf8');
  const results = resultsIn(document, scenario.title);
  for (const [kill, result] of swept.results) results.set(kill, result);
  const made = `${results.size} of ${all.length} kills were made; the others are open.`;
  write(scenario.title, `${made}\n\n${tableOf(all, results)}`);
  say(`${results.size} of ${all.length} kills are in docs/reliability.md`);
}

/** Puts a table below its heading, with the command that made it. */
function write(heading: string, table: string): void {
  const command = ['npm run test:sweep --', ...words.map(quoted)].join(' ');
  const text = `Last made by \`${command}\`.\n\n${table}`;
  writeFileSync(DOCUMENT, withSection(readFileSync(DOCUMENT, 'utf8'), heading, text));
}

/** As a shell takes it. */
function quoted(word: string): string {
  return /^[\w./:=-]+$/.test(word) ? word : `'${word}'`;
}

function say(text: string): void {
  console.log(text);
}
