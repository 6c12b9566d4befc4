import { mkdirSync } from 'node:fs';

import { changeMailTree, makeMailTree } from '../test/support/trees/mail-tree.js';
import { rsyncDifferences } from '../test/support/trees/rsync-differences.js';
import type { Bench } from './harness.js';
import { alternate, note, runBench, settle } from './harness.js';
import { measure } from './kit/measure.js';
import type { Mover } from './kit/movers.js';
import { cp, ours, OURS, rclone, resultOf, rsync } from './kit/movers.js';
import { table } from './kit/report.js';
import { figure, megabytes, median, range } from './kit/statistics.js';
import { requireSize, sizeOf } from './kit/workspace.js';
import { Stop } from './kit/stop.js';
import type { RelayStats } from './share/relay.js';
import { mountShare } from './share/share.js';

/** `cache` 0: a share that does not keep what it read of a folder, so that each look at a file is a request. */
const NUMBERS = { files: 60_000, folder: 100, changed: 100, lanes: 16, delay: 1, cache: 1 };
type Numbers = keyof typeof NUMBERS;

interface Run {
  readonly seconds: number;
  readonly stats: RelayStats;
}

type Results = ReadonlyMap<string, readonly Run[]>;

await runBench(
  {
    title: 'Second pass, onto a share',
    about:
      'A tree that is on the share already is copied again: first unchanged, then with the given number of files changed ' +
      'before each run. The share is mounted anew for each run. rsync and rclone also remove (`--delete`, `sync`), as ' +
      'icewarp-rollout does, and rclone is told that the share keeps whole seconds.',
    numbers: NUMBERS,
    movers: (engine) => [ours(engine), rsync, rclone],
    tools: ['sshfs', 'sftp-server'],
  },
  secondPass,
);

async function secondPass({ options, movers, workspace, report }: Bench<Numbers>): Promise<void> {
  const { files, folder, changed, lanes, delay, cache } = options.numbers;
  const source = workspace.folder('source');
  note('making the source');
  const tree = makeMailTree(source, { seed: options.seed, files, filesPerFolder: folder });
  await settle();
  const [backing, path] = [workspace.folder('backing'), workspace.folder('share')];
  const share = workspace.keep(
    await mountShare({ backing, path, delay: 0, options: cache === 0 ? ['-o', 'dir_cache=no'] : [] }),
  );
  const placeOf = new Map(movers.map((mover, index) => [mover, `/${index}`]));
  const scratchOf = new Map(movers.map((mover) => [mover, workspace.folder('scratch')]));
  const job = (mover: Mover): Parameters<Mover['command']>[0] => ({
    source,
    destination: path + (placeOf.get(mover) ?? ''),
    scratch: scratchOf.get(mover) ?? '',
    files,
    removes: true,
    wholeSeconds: true,
    ...(mover.name === OURS ? {} : { lanes }),
  });
  for (const mover of movers) {
    note(`${mover.name}: first copy, not measured`);
    const place = placeOf.get(mover) ?? '';
    mkdirSync(backing + place);
    // Only ours remembers what the share showed; for the others it need not have been the share.
    if (mover.name === OURS) await measure(mover.command(job(mover)));
    else await measure(cp.command({ ...job(mover), destination: backing + place }));
  }
  await share.relay.setDelay(delay);
  const contenders = movers.map((mover) => ({
    name: mover.name,
    run: async (): Promise<Run> => {
      await share.remount();
      await share.relay.reset();
      const { seconds, stdout } = await measure(mover.command(job(mover)));
      if (mover.name === OURS) resultOf(stdout);
      return { seconds, stats: await share.relay.stats() };
    },
  }));
  note('nothing has changed');
  const unchanged = await alternate(contenders, options.runs);
  note(`${changed} files change before each round`);
  const some = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < options.runs; round += 1) {
    changeMailTree(tree, { seed: options.seed + round, changed });
    await settle();
    const turn = await alternate(
      [...contenders.slice(round % contenders.length), ...contenders.slice(0, round % contenders.length)],
      1,
    );
    for (const [name, runs] of turn) some.get(name)?.push(...runs);
    for (const mover of movers) requireSize(mover.name, backing + (placeOf.get(mover) ?? ''), sizeOf(source));
  }
  requireSame(movers, source, (mover) => backing + (placeOf.get(mover) ?? ''));
  report.add(`${files} files, ${megabytes(tree.bytes)} MB, ${tree.folders} folders.`);
  report.add(resultsTable(unchanged, some, changed));
  reportTargets({ report }, unchanged, some, changed);
}

/** The contents too, at the end: a size is quickly right. Times are not compared, because the share cuts them off. */
function requireSame(movers: readonly Mover[], source: string, place: (mover: Mover) => string): void {
  for (const mover of movers) {
    // The notation's third place tells another content, or that the item is missing; "*" that it is too much.
    const lines = rsyncDifferences(source, place(mover)).filter((line) => /^(?:\*|..[c+])/.test(line));
    if (lines.length > 0) throw new Stop(`${mover.name} left differences: ${lines.slice(0, 5).join('; ')}`);
  }
}

function secondsOf(results: Results, name: string): number[] {
  return (results.get(name) ?? []).map(({ seconds }) => seconds);
}

function requestsOf(results: Results, name: string): number {
  return median((results.get(name) ?? []).map(({ stats }) => stats.total));
}

function resultsTable(unchanged: Results, some: Results, changed: number): string {
  const ratio = (results: Results, name: string): string =>
    results.has(OURS) ? figure(median(secondsOf(results, name)) / median(secondsOf(results, OURS))) : '–';
  const rows = [...unchanged.keys()].flatMap((name) => {
    const [before, after] = [requestsOf(unchanged, name), requestsOf(some, name)];
    return [
      [name, 'nothing', range(secondsOf(unchanged, name)), ratio(unchanged, name), figure(before), '–'],
      [
        name,
        `${changed} files`,
        range(secondsOf(some, name)),
        ratio(some, name),
        figure(after),
        figure((after - before) / changed),
      ],
    ];
  });
  const head = [
    'contender',
    'changed',
    'seconds: median (least–most)',
    `× ${OURS}`,
    'requests',
    'requests per changed file',
  ];
  return table(head, rows);
}

function reportTargets(
  { report }: Pick<Bench<Numbers>, 'report'>,
  unchanged: Results,
  some: Results,
  changed: number,
): void {
  if (!unchanged.has(OURS)) return;
  const before = requestsOf(unchanged, OURS);
  const perFile = (requestsOf(some, OURS) - before) / changed;
  report.target({ what: 'requests of a run without changes', value: before, is: 'most', limit: 10, gate: true });
  report.target({ what: 'requests per changed file', value: perFile, is: 'most', limit: 14, gate: true });
  for (const [name, limit] of [[rsync.name, 50] as const, [rclone.name, 4] as const]) {
    if (!unchanged.has(name)) continue;
    const value = median(secondsOf(unchanged, name)) / median(secondsOf(unchanged, OURS));
    report.target({ what: `times faster than ${name}, nothing changed`, value, is: 'least', limit });
  }
}
