import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { newSeed } from '../../test/support/trees/random.js';
import { Stop } from './stop.js';

/** What every benchmark can be told. */
export interface Options<Name extends string> {
  /** Alternated runs; default 3. */
  readonly runs: number;
  readonly seed: number;
  /** Contenders that are left out. */
  readonly without: readonly string[];
  /** The program behind "ours"; default this checkout's command line. */
  readonly engine: string;
  /** Where trees are made; default the file system in memory. */
  readonly work: string;
  /** Put the tables into docs/benchmarks.md as well. */
  readonly write: boolean;
  /** The benchmark's own numbers, each an option of that name. */
  readonly numbers: Readonly<Record<Name, number>>;
}

const ENGINE = fileURLToPath(new URL('../../src/client.js', import.meta.url));

/**
 * Reads the command line: `--runs N`, `--seed N`, `--without NAME` (again for more), `--engine FILE`, `--work DIR`,
 * `--write`, and the given numbers.
 *
 * @throws Stop for an option that there is not, or something that is no number
 */
export function readOptions<Name extends string>(
  args: readonly string[],
  defaults: Readonly<Record<Name, number>>,
): Options<Name> {
  const own = Object.keys(defaults) as Name[];
  const values = parse(args, own);
  const numberOf = (name: string, other: () => number): number => {
    const text = values[name];
    const value = text === undefined ? other() : Number(text);
    if (!Number.isFinite(value) || value < 0) throw new Stop(`--${name} takes a number`);
    return value;
  };
  const [engine, work, without] = [values['engine'], values['work'], values['without']];
  return {
    runs: numberOf('runs', () => 3),
    seed: numberOf('seed', newSeed),
    without: Array.isArray(without) ? without.map(String) : [],
    engine: typeof engine === 'string' ? engine : ENGINE,
    work: typeof work === 'string' ? work : '/dev/shm',
    write: values['write'] === true,
    numbers: Object.fromEntries(own.map((name) => [name, numberOf(name, () => defaults[name])])) as Record<
      Name,
      number
    >,
  };
}

function parse(args: readonly string[], own: readonly string[]): Readonly<Record<string, unknown>> {
  const numbers = Object.fromEntries(['runs', 'seed', ...own].map((name) => [name, { type: 'string' as const }]));
  const options = {
    ...numbers,
    without: { type: 'string' as const, multiple: true as const },
    engine: { type: 'string' as const },
    work: { type: 'string' as const },
    write: { type: 'boolean' as const },
  };
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const names = Object.keys(options).map((name) => `--${name}`);
    throw new Stop(`${error instanceof Error ? error.message : String(error)}\nOptions: ${names.join(' ')}`);
  }
}

/** How many threads a mover gets where it may choose: two, as the targets say, where there are two cores. */
export const THREADS = Math.min(2, availableParallelism());
