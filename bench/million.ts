import { freemem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { output } from '../test/support/commands.js';
import { mountSmallDisk } from '../test/support/mounts.js';
import { makeMailTree } from '../test/support/trees/mail-tree.js';
import type { Bench } from './harness.js';
import { note, runBench, settle } from './harness.js';
import { start } from './kit/measure.js';
import { ours } from './kit/movers.js';
import type { Report } from './kit/report.js';
import { table } from './kit/report.js';
import { figure, megabytes } from './kit/statistics.js';
import { Stop } from './kit/stop.js';
import { requireSize } from './kit/workspace.js';

const NUMBERS = { files: 1_000_000, folder: 200, bytes: 1_000 };
type Numbers = keyof typeof NUMBERS;

/** Milliseconds between two looks. */
const LOOK = 200;
const TENTHS = 10;
/** What a file takes in memory, in a tmpfs: a page and what the kernel keeps of it; there are two of each. */
const BYTES_PER_FILE = 2 * (4_096 + 1_024);
const MOST_MEMORY = 200e6;

/** What was seen at one moment. */
interface Look {
  /** Seconds since the start. */
  readonly at: number;
  readonly files: number;
  readonly memory: number;
}

await runBench(
  {
    title: 'A million files',
    about:
      'A first copy of many small files of one size within a tmpfs. Memory is the anonymous memory (RssAnon) of all its ' +
      'processes together. Files are counted by the kernel, folders and temporary files among them.',
    numbers: NUMBERS,
    movers: (engine) => [ours(engine)],
  },
  million,
);

async function million({ options, movers, workspace, report }: Bench<Numbers>): Promise<void> {
  const { files, folder, bytes } = options.numbers;
  const [mover] = movers;
  if (mover === undefined) throw new Stop('there is nobody to measure');
  if (options.work === '/dev/shm' && freemem() < files * BYTES_PER_FILE) {
    throw new Stop(`${megabytes(files * BYTES_PER_FILE)} MB of memory are needed: fewer --files, or --work on a disk`);
  }
  const [source, scratch] = [workspace.folder('source'), workspace.folder('scratch')];
  note('making the source');
  const tree = makeMailTree(source, { seed: options.seed, files, filesPerFolder: folder, bytes });
  await settle();
  const disk = workspace.keep(mountSmallDisk(workspace.folder('destination'), { inodes: 2 * files + 100_000 }));
  const empty = disk.count();
  const begin = performance.now();
  const running = await start(mover.command({ source, destination: disk.path, scratch, files }));
  const looks: Look[] = [{ at: 0, files: 0, memory: 0 }];
  while (!running.hasExited()) {
    looks.push({ at: (performance.now() - begin) / 1_000, files: disk.count() - empty, memory: running.memory() });
    await sleep(LOOK);
  }
  const seconds = (performance.now() - begin) / 1_000;
  // what came after the last look would else have taken no time
  looks.push({ at: seconds, files: disk.count() - empty, memory: 0 });
  const { code, stderr } = await running.ended;
  if (code !== 0) throw new Stop(`${mover.name} ended with ${code}: ${stderr.trim().split('\n').at(-1) ?? ''}`);
  requireSize(mover.name, disk.path, tree);
  const ledger = Number(output('du', ['-sb', scratch]).toString().split('\t')[0]);
  report.add(
    `${mover.name}: ${files} files of ${bytes} bytes in ${figure(seconds)} s; its ledger takes ${megabytes(ledger)} MB, ` +
      `${figure(ledger / files)} bytes per file.`,
  );
  reportTenths(report, looks, disk.count() - empty);
}

function reportTenths(report: Report, looks: readonly Look[], total: number): void {
  const tenths = Array.from({ length: TENTHS }, (_, tenth) => tenthOf(looks, total, tenth));
  report.add(
    table(
      ['tenth of the files', 'seconds', 'µs per file', 'memory at most, MB'],
      tenths.map(({ seconds, memory }, tenth) => [
        tenth + 1,
        figure(seconds),
        figure((seconds / (total / TENTHS)) * 1e6),
        megabytes(memory),
      ]),
    ),
  );
  const [first, last] = [tenths[0], tenths.at(-1)];
  if (first === undefined || last === undefined) return;
  const most = Math.max(...tenths.map(({ memory }) => memory));
  report.target({ what: 'memory at most, MB', value: most / 1e6, is: 'most', limit: MOST_MEMORY / 1e6 });
  report.target({
    what: 'memory, last tenth over second',
    value: last.memory / (tenths[1]?.memory ?? NaN),
    is: 'most',
    limit: 1.2,
  });
  report.target({
    what: 'time per file, last tenth over first',
    value: last.seconds / first.seconds,
    is: 'most',
    limit: 1.2,
  });
}

/** The time from one tenth's first file to its last, between the looks by proportion, and the most memory meanwhile. */
function tenthOf(looks: readonly Look[], total: number, tenth: number): { seconds: number; memory: number } {
  // The first file is where counting begins: before it the program starts.
  const [from, to] = [Math.max(1, (total * tenth) / TENTHS), (total * (tenth + 1)) / TENTHS];
  const [begin, end] = [momentOf(looks, from), momentOf(looks, to)];
  const memory = looks
    .filter(({ at }) => at >= begin - LOOK / 1_000 && at <= end + LOOK / 1_000)
    .map((look) => look.memory);
  return { seconds: end - begin, memory: Math.max(0, ...memory) };
}

function momentOf(looks: readonly Look[], files: number): number {
  const index = looks.findIndex((look) => look.files >= files);
  const [after, before] = [looks[index] ?? looks.at(-1), looks[index - 1]];
  if (after === undefined) return NaN;
  if (before === undefined || after.files === before.files) return after.at;
  return before.at + ((after.at - before.at) * (files - before.files)) / (after.files - before.files);
}
