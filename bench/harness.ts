import { setTimeout as sleep } from 'node:timers/promises';

import type { Options } from './kit/options.js';
import { readOptions } from './kit/options.js';
import { machine, Report } from './kit/report.js';
import { Stop } from './kit/stop.js';
import { requireEngine, requireTools, Workspace } from './kit/workspace.js';
import type { Mover } from './kit/movers.js';
import { OURS } from './kit/movers.js';

/** What a benchmark is. */
export interface Definition<Name extends string> {
  /** The heading of its section. */
  readonly title: string;
  /** What is measured, for the reader of the figures. */
  readonly about: string;
  /** Its own numbers, with what they are unless the command line says otherwise. */
  readonly numbers: Readonly<Record<Name, number>>;
  /** Who takes part. */
  readonly movers: (engine: string) => readonly Mover[];
  /** Programs that are needed besides. */
  readonly tools?: readonly string[];
}

/** What a benchmark works with. */
export interface Bench<Name extends string> {
  readonly options: Options<Name>;
  readonly movers: readonly Mover[];
  readonly workspace: Workspace;
  readonly report: Report;
}

/**
 * A benchmark's command: reads its options, checks that all tools are there, runs `body`, prints its report, and leaves
 * nothing behind. Sets the exit code.
 */
export async function runBench<Name extends string>(
  definition: Definition<Name>,
  body: (bench: Bench<Name>) => Promise<void>,
): Promise<void> {
  let workspace: Workspace | undefined;
  // Mounts have guards of their own, and what was started is killed when we exit.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => process.exit(code));
  try {
    const options = readOptions(process.argv.slice(2), definition.numbers);
    const movers = definition.movers(options.engine).filter(({ name }) => !options.without.includes(name));
    const tools = [...(definition.tools ?? []), ...movers.map(({ tool }) => tool)];
    requireTools(tools);
    if (movers.some(({ name }) => name === OURS)) requireEngine(options.engine);
    workspace = new Workspace(options.work);
    const told = Object.entries(options.numbers).map(([name, value]) => `${name} ${String(value)}`);
    const settings = [...told, `runs ${options.runs}`, `seed ${options.seed}`].join(', ');
    const shown = tools.filter((tool) => !tool.startsWith('/') && tool !== 'cp' && tool !== 'sftp-server');
    const report = new Report(definition.title, [
      definition.about,
      machine([...new Set(shown)]),
      `Settings: ${settings}.`,
    ]);
    await body({ options, movers, workspace, report });
    process.stdout.write(report.text());
    if (options.write) report.write();
    if (!report.isPassed) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  } finally {
    await workspace?.close();
  }
}

/** Somebody who takes part in a comparison: one run of it, the `round`-th, from 0. */
export interface Contender<T> {
  readonly name: string;
  readonly run: (round: number) => Promise<T>;
}

/**
 * Lets everybody run once per round, each round beginning with the next one, so that a machine that becomes slower or
 * warmer treats nobody better.
 */
export async function alternate<T>(
  contenders: readonly Contender<T>[],
  runs: number,
): Promise<ReadonlyMap<string, readonly T[]>> {
  const results = new Map<string, T[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < runs; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(round + turn) % contenders.length];
      if (contender === undefined) continue;
      const begin = performance.now();
      results.get(contender.name)?.push(await contender.run(round));
      note(`${contender.name}, run ${round + 1} of ${runs}: ${((performance.now() - begin) / 1_000).toFixed(1)} s`);
    }
  }
  return results;
}

/** Tells who waits for the figures what goes on. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Waits until what was just written no longer counts as just written: a mover has to read files again that changed at
 * the moment of the copy (2 s and some), and here none did.
 */
export async function settle(): Promise<void> {
  await sleep(3_000);
}
