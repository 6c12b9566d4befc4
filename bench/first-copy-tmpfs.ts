import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { makeMailTree } from '../test/support/trees/mail-tree.js';
import type { Bench } from './harness.js';
import { alternate, note, runBench, settle } from './harness.js';
import type { Measured } from './kit/measure.js';
import { measure } from './kit/measure.js';
import type { Mover } from './kit/movers.js';
import { canFsync, cp, fpsync, ours, OURS, rclone, rsync, rsyncFsync } from './kit/movers.js';
import { THREADS } from './kit/options.js';
import type { Report } from './kit/report.js';
import { table } from './kit/report.js';
import { figure, megabytes, median, range } from './kit/statistics.js';
import { requireSize } from './kit/workspace.js';

const LOOP_IN_C = `bare loop, C, ${THREADS} threads`;

const NUMBERS = { files: 60_000, folder: 100 };

await runBench(
  {
    title: 'First copy, in memory',
    about:
      'A tree of messages is copied within a tmpfs: no disk, no network, only the work of the processor. Times include the ' +
      'start of the process. The bare loops make the same system calls as icewarp-rollout and nothing else, no hash, no ' +
      'ledger: what the machine gives at most.',
    numbers: NUMBERS,
    movers: (engine) => [ours(engine), cp, rsync, ...(canFsync() ? [rsyncFsync] : []), rclone, fpsync],
  },
  firstCopy,
);

async function firstCopy({ options, movers, workspace, report }: Bench<keyof typeof NUMBERS>): Promise<void> {
  const source = workspace.folder('source');
  note('making the source');
  const tree = makeMailTree(source, {
    seed: options.seed,
    files: options.numbers.files,
    filesPerFolder: options.numbers.folder,
  });
  await settle();
  const contenders = [...movers, ...bareLoops(workspace.folder('build'))].map((mover) => ({
    name: mover.name,
    run: async (): Promise<Measured> => {
      const [destination, scratch] = [workspace.folder('destination'), workspace.folder('scratch')];
      const measured = await measure(mover.command({ source, destination, scratch, files: tree.files }));
      requireSize(mover.name, destination, tree);
      workspace.remove(destination, scratch);
      return measured;
    },
  }));
  const results = await alternate(contenders, options.runs);
  const medians = new Map([...results].map(([name, runs]) => [name, median(runs.map(({ seconds }) => seconds))]));
  const ratio = (name: string, other: string): string =>
    figure((medians.get(name) ?? NaN) / (medians.get(other) ?? NaN));
  report.add(`${tree.files} files, ${megabytes(tree.bytes)} MB, ${tree.folders} folders.`);
  report.add(
    table(
      ['contender', 'seconds: median (least–most)', 'files/s', `× ${OURS}`, '× cp -a', 'peak memory, MB'],
      [...results].map(([name, runs]) => [
        name,
        range(runs.map(({ seconds }) => seconds)),
        figure(tree.files / (medians.get(name) ?? NaN)),
        ratio(name, OURS),
        ratio(name, cp.name),
        megabytes(Math.max(...runs.map(({ peakMemory }) => peakMemory))),
      ]),
    ),
  );
  reportTargets(report, results);
}

function reportTargets(report: Report, results: ReadonlyMap<string, readonly Measured[]>): void {
  const seconds = (name: string): number[] => (results.get(name) ?? []).map((run) => run.seconds);
  const own = seconds(OURS);
  if (own.length === 0) return;
  for (const { name } of [rsync, rclone]) {
    if (!results.has(name)) continue;
    const rounds = own.filter((time, round) => time < (seconds(name)[round] ?? 0)).length;
    report.target({ what: `runs faster than ${name}`, value: rounds, is: 'least', limit: own.length });
  }
  for (const [name, limit] of [[cp.name, 1.4] as const, [LOOP_IN_C, 2] as const]) {
    if (!results.has(name)) continue;
    report.target({ what: `times ${name}`, value: median(own) / median(seconds(name)), is: 'most', limit });
  }
}

/** What the machine gives at most: the same calls from Node, and, where there is a compiler, from C. */
function bareLoops(build: string): Mover[] {
  const node: Mover = {
    name: `bare loop, Node.js, ${THREADS} threads`,
    tool: process.execPath,
    command: ({ source, destination }) => ({
      file: process.execPath,
      args: [fileURLToPath(new URL('kit/bare-loop.js', import.meta.url)), 'copy', String(THREADS), source, destination],
    }),
  };
  const program = join(build, 'bare-loop');
  const { status } = spawnSync('cc', ['-O2', '-pthread', '-o', program, sourceOfLoop()], { stdio: 'inherit' });
  if (status !== 0) {
    note('no C compiler: without the bare loop in C (apt-get install gcc libc6-dev)');
    return [node];
  }
  const c: Mover = {
    name: LOOP_IN_C,
    tool: program,
    command: ({ source, destination }) => ({ file: program, args: [String(THREADS), source, destination] }),
  };
  return [node, c];
}

/** The C source is not compiled into dist: it lies in the checkout. */
function sourceOfLoop(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'bench/kit/bare-loop.c');
    if (existsSync(file)) return file;
  }
  return 'bare-loop.c';
}
