import { fileURLToPath } from 'node:url';

import { makeMailTree } from '../test/support/trees/mail-tree.js';
import type { Bench } from './harness.js';
import { alternate, note, runBench, settle } from './harness.js';
import { measure } from './kit/measure.js';
import type { Mover } from './kit/movers.js';
import { cp, ours, OURS, resultOf, rsync } from './kit/movers.js';
import { THREADS } from './kit/options.js';
import { table } from './kit/report.js';
import { figure, median, range } from './kit/statistics.js';
import { Stop } from './kit/stop.js';

const NUMBERS = { files: 300_000, folder: 200, bytes: 100 };
type Numbers = keyof typeof NUMBERS;

interface Run {
  readonly seconds: number;
  /** As ours says it: without the start of its processes. */
  readonly own?: number;
}

await runBench(
  {
    title: 'Walk',
    about:
      'A second pass over a tree in memory that has not changed: reading the folders, looking at each file, and ' +
      'comparing it with the ledger. The bare walk reads the folders and looks at each file, and nothing else.',
    numbers: NUMBERS,
    movers: (engine) => [ours(engine), rsync],
  },
  walk,
);

async function walk({ options, movers, workspace, report }: Bench<Numbers>): Promise<void> {
  const { files, folder, bytes } = options.numbers;
  const source = workspace.folder('source');
  note('making the source');
  const tree = makeMailTree(source, { seed: options.seed, files, filesPerFolder: folder, bytes });
  await settle();
  const contenders: { name: string; run: () => Promise<Run> }[] = [];
  for (const mover of movers) {
    note(`${mover.name}: first copy, not measured`);
    const [destination, scratch] = [workspace.folder('destination'), workspace.folder('scratch')];
    const lanes = mover.name === OURS ? { lanes: THREADS } : {};
    const job = { source, destination, scratch, files, ...lanes };
    await measure((mover.name === OURS ? mover : cp).command(job));
    const run = async (): Promise<Run> => {
      const { seconds, stdout } = await measure(mover.command(job));
      return mover.name === OURS ? { seconds, own: ownSeconds(stdout, files) } : { seconds };
    };
    // Once more unmeasured: everything is in memory, and what the first copy left to look at is looked at.
    await run();
    contenders.push({ name: mover.name, run });
  }
  const bare = bareWalk(source);
  contenders.push({
    name: bare.name,
    run: () => measure(bare.command({ source, destination: '', scratch: '', files })),
  });
  const results = await alternate(contenders, options.runs);
  report.add(`${files} files in ${tree.folders} folders; ${THREADS} walkers.`);
  const seconds = (name: string): number[] => (results.get(name) ?? []).map((run) => run.seconds);
  const rows = [...results].map(([name, runs]) => {
    const own = runs.flatMap((run) => (run.own === undefined ? [] : [files / run.own]));
    const measured = seconds(name);
    return [name, range(measured), figure(files / median(measured)), own.length === 0 ? '–' : range(own)];
  });
  report.add(table(['contender', 'seconds with process start', 'files/s', 'files/s without process start'], rows));
  const own = (results.get(OURS) ?? []).flatMap((run) => (run.own === undefined ? [] : [files / run.own]));
  if (own.length > 0)
    report.target({ what: 'files/s, walk with ledger', value: median(own), is: 'least', limit: 250_000 });
}

/**
 * What a pass says it took.
 *
 * @throws Stop when it did not meet every file, or copied one
 */
function ownSeconds(stdout: string, files: number): number {
  const { unchanged, copied, seconds } = resultOf(stdout);
  if (unchanged !== files || copied.files !== 0) {
    throw new Stop(`of ${files} files ${unchanged} were found unchanged and ${copied.files} were copied`);
  }
  return seconds;
}

function bareWalk(source: string): Mover {
  const program = fileURLToPath(new URL('kit/bare-loop.js', import.meta.url));
  return {
    name: `bare walk, Node.js, ${THREADS} threads`,
    tool: process.execPath,
    command: () => ({ file: process.execPath, args: [program, 'walk', String(THREADS), source] }),
  };
}
