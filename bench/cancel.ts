import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { mountSmallDisk } from '../test/support/mounts.js';
import { killMarked, markedBy, signal, until } from '../test/support/process-tree.js';
import { makeMailTree } from '../test/support/trees/mail-tree.js';
import type { Bench } from './harness.js';
import { note, runBench, settle } from './harness.js';
import type { Running } from './kit/measure.js';
import { start } from './kit/measure.js';
import type { Mover } from './kit/movers.js';
import { ours, OURS } from './kit/movers.js';
import { table } from './kit/report.js';
import { figure } from './kit/statistics.js';
import { Stop } from './kit/stop.js';
import type { Share } from './share/share.js';
import { mountShare } from './share/share.js';

const NUMBERS = { files: 20_000, folder: 100, delay: 1 };
type Numbers = keyof typeof NUMBERS;

/** Files that must have been copied before the cancellation, so that all parts of the mover are at work. */
const UNDER_WAY = 50;
const INODES = 200_000;
/** Milliseconds: how long a mover may take at most before the benchmark ends it. */
const PATIENCE = 60_000;

/** Milliseconds that its processes get after the command before the share goes on. */
const GRACE = 2_000;

type Place = 'memory' | 'share' | 'hung share';

/** Milliseconds after the signal. */
interface Cancelled {
  /** NaN on the hung share, where nothing passes anyway. */
  readonly lastFile: number;
  /** The command has ended. */
  readonly ended: number;
  /** None of its processes is left; NaN: not before the share went on. */
  readonly gone: number;
  /** The last line that it said on standard error. */
  readonly said: string;
}

/** What is to be reached, R23: milliseconds. */
const LAST_FILE = 100;
const ENDED: Readonly<Record<Place, number>> = { memory: 1_000, share: 1_000, 'hung share': 6_000 };

await runBench(
  {
    title: 'Cancel',
    about:
      'A first copy is cancelled (SIGINT to the command) while it is under way. New files are counted by the kernel in ' +
      'memory, and by the relay on the share; on the hung share nothing passes from shortly before the signal on.',
    numbers: NUMBERS,
    movers: (engine) => [ours(engine)],
    tools: ['sshfs', 'sftp-server'],
  },
  cancel,
);

async function cancel({ options, movers, workspace, report }: Bench<Numbers>): Promise<void> {
  const { files, folder, delay } = options.numbers;
  const [mover] = movers;
  if (mover === undefined) throw new Stop('there is nobody to cancel');
  const source = workspace.folder('source');
  note('making the source');
  makeMailTree(source, { seed: options.seed, files, filesPerFolder: folder });
  await settle();
  const rows: (string | number)[][] = [];
  for (const place of Object.keys(ENDED) as Place[]) {
    const all: Cancelled[] = [];
    for (let run = 1; run <= options.runs; run += 1) {
      note(`${place}, run ${run} of ${options.runs}`);
      const scratch = workspace.folder('scratch');
      const job = { source, scratch, files };
      const cancelled =
        place === 'memory'
          ? await inMemory(mover, job, workspace)
          : await onShare(mover, job, workspace, { delay, hangs: place === 'hung share' });
      all.push(cancelled);
      const { lastFile, ended, gone, said } = cancelled;
      rows.push([place, run, figure(lastFile), figure(ended), figure(gone), said.replaceAll('|', '\\|')]);
    }
    if (mover.name !== OURS) continue;
    const last = Math.max(...all.map(({ lastFile }) => lastFile));
    if (place !== 'hung share') {
      report.target({ what: `${place}: ms until the last new file`, value: last, is: 'most', limit: LAST_FILE });
    }
    const ended = Math.max(...all.map((one) => one.ended));
    report.target({ what: `${place}: ms until the command has ended`, value: ended, is: 'most', limit: ENDED[place] });
  }
  const head = [
    'destination',
    'run',
    'last new file, ms',
    'command ended, ms',
    'last process gone, ms',
    'last line said',
  ];
  report.add(table(head, rows));
}

type Job = Omit<Parameters<Mover['command']>[0], 'destination'>;
type Workspace = Bench<Numbers>['workspace'];

async function inMemory(mover: Mover, job: Job, workspace: Workspace): Promise<Cancelled> {
  const disk = mountSmallDisk(workspace.folder('destination'), { inodes: INODES });
  try {
    const running = await start(mover.command({ ...job, destination: disk.path }));
    await underWay(running, disk.count);
    const begin = Date.now();
    let [count, changed] = [disk.count(), begin];
    signal(running.pid, 'SIGINT');
    const watch = setInterval(() => {
      const now = disk.count();
      // Fewer is tidying up.
      if (now > count) changed = Date.now();
      count = now;
    }, 5);
    const end = await endOf(running, begin);
    clearInterval(watch);
    return { ...end, lastFile: changed - begin };
  } finally {
    await disk.close();
  }
}

async function onShare(
  mover: Mover,
  job: Job,
  workspace: Workspace,
  { delay, hangs }: { readonly delay: number; readonly hangs: boolean },
): Promise<Cancelled> {
  const [backing, path] = [workspace.folder('backing'), workspace.folder('share')];
  const share: Share = workspace.keep(await mountShare({ backing, path, delay }));
  const destination = `${path}/here`;
  mkdirSync(`${backing}/here`);
  try {
    const running = await start(mover.command({ ...job, destination }));
    let creations = 0;
    const count = setInterval(() => {
      void share.relay.stats().then((stats) => {
        ({ creations } = stats);
      });
    }, 50);
    await underWay(running, () => creations).finally(() => clearInterval(count));
    if (hangs) {
      share.relay.hang();
      await sleep(200);
    }
    const begin = Date.now();
    signal(running.pid, 'SIGINT');
    const end = await endOf(running, begin, () => share.relay.resume());
    const { lastCreation } = await share.relay.stats();
    const lastFile = hangs ? NaN : Math.max(0, (lastCreation ?? 0) - begin);
    return { ...end, lastFile };
  } finally {
    await share.close();
  }
}

async function underWay(running: Running, count: () => number): Promise<void> {
  const before = count();
  await until('the mover is under way', () => running.hasExited() || count() >= before + UNDER_WAY, PATIENCE);
  if (running.hasExited()) throw new Stop('it ended before it could be cancelled: more --files');
}

/** Waits for the command and for its processes; those that only a living share lets go get it back after a while. */
async function endOf(running: Running, begin: number, revive?: () => void): Promise<Omit<Cancelled, 'lastFile'>> {
  const overdue = setTimeout(() => {
    revive?.();
    killMarked(running.mark);
  }, PATIENCE);
  await running.exited;
  clearTimeout(overdue);
  const ended = Date.now() - begin;
  const isGone = (): boolean => markedBy(running.mark).length === 0;
  await until('its processes are gone', () => isGone() || Date.now() > begin + ended + GRACE, PATIENCE);
  const gone = isGone() ? Date.now() - begin : NaN;
  revive?.();
  await until('its processes are gone', isGone, PATIENCE);
  const { stderr } = await running.ended;
  return { ended, gone, said: stderr.trim().split('\n').at(-1) ?? '' };
}
