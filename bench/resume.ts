import { output } from '../test/support/commands.js';
import { mountSmallDisk } from '../test/support/mounts.js';
import { killMarked, markedBy, until } from '../test/support/process-tree.js';
import { makeMailTree } from '../test/support/trees/mail-tree.js';
import { rsyncDifferences } from '../test/support/trees/rsync-differences.js';
import { Random } from '../test/support/trees/random.js';
import type { Bench } from './harness.js';
import { note, runBench, settle } from './harness.js';
import { measure, start } from './kit/measure.js';
import type { Mover } from './kit/movers.js';
import { ours, OURS } from './kit/movers.js';
import { table } from './kit/report.js';
import { figure, megabytes } from './kit/statistics.js';
import { Stop } from './kit/stop.js';

const NUMBERS = { files: 20_000, folder: 100, kills: 6 };
type Numbers = keyof typeof NUMBERS;

/** More than the tree has folders and temporary files. */
const INODES_BESIDES = 100_000;
const FIVE_MINUTES = 300_000;

/** Files by inode, with their bytes. A file that is copied again is another inode. */
type Inodes = ReadonlyMap<string, number>;

/** What was thrown away of a run that was killed. */
interface Loss {
  /** Part of the tree that had arrived, whole or not, when it was killed. */
  readonly arrived: number;
  readonly files: number;
  readonly bytes: number;
}

await runBench(
  {
    title: 'Resume',
    about:
      'A first copy in memory is killed (SIGKILL, all of its processes) at random moments and started again, until it is ' +
      'through. What had arrived before a kill and is not the same inode at the end was copied again, or was the part of a ' +
      'file that had to be thrown away.',
    numbers: NUMBERS,
    movers: (engine) => [ours(engine)],
  },
  resume,
);

async function resume({ options, movers, workspace, report }: Bench<Numbers>): Promise<void> {
  const { files, folder, kills } = options.numbers;
  const [mover] = movers;
  if (mover === undefined) throw new Stop('there is nobody to kill');
  const random = new Random(options.seed);
  const [source, scratch] = [workspace.folder('source'), workspace.folder('scratch')];
  note('making the source');
  const tree = makeMailTree(source, { seed: options.seed, files, filesPerFolder: folder });
  await settle();
  // A disk of its own in memory counts its files, and gives no inode number twice.
  const disk = workspace.keep(mountSmallDisk(workspace.folder('destination'), { inodes: files + INODES_BESIDES }));
  const job = { source, destination: disk.path, scratch, files };
  const moments = Array.from({ length: kills }, () => random.next()).sort((a, b) => a - b);
  const arrived: { inodes: Inodes; part: number }[] = [];
  for (const moment of moments) {
    const inodes = await killedRun(mover, job, disk.count, Math.floor(moment * files));
    arrived.push({ inodes, part: inodes.size / files });
    note(`killed with ${inodes.size} of ${files} files`);
  }
  await measure(mover.command(job));
  const left = rsyncDifferences(source, disk.path);
  if (left.length > 0) throw new Stop(`the copy is not whole: ${left.slice(0, 5).join('; ')}`);
  const end = inodesBelow(disk.path);
  const losses = arrived.map(({ inodes, part }, index): Loss => {
    // Lost by this kill: not what an earlier one had lost already, nor what the next one loses.
    const after = arrived[index + 1]?.inodes ?? end;
    const gone = [...inodes].filter(([inode]) => !after.has(inode));
    return { arrived: part, files: gone.length, bytes: gone.reduce((sum, [, bytes]) => sum + bytes, 0) };
  });
  report.add(`${files} files, ${megabytes(tree.bytes)} MB. After all that rsync finds no difference.`);
  const rows = losses.map(({ arrived: part, files: count, bytes }, index) => [
    index + 1,
    `${figure(part * 100)} %`,
    count,
    megabytes(bytes),
    `${figure((bytes / tree.bytes) * 100)} %`,
  ]);
  report.add(table(['kill', 'had arrived', 'files copied again', 'MB', 'of all bytes'], rows));
  if (mover.name !== OURS) return;
  const worst = Math.max(...losses.map(({ files: count, bytes }) => Math.min(count / 512, bytes / (tree.bytes / 100))));
  report.target({
    what: 'copied again by a kill, in parts of 1 % of the bytes or 512 files, whichever is more',
    value: worst,
    is: 'most',
    limit: 1,
    gate: true,
  });
}

/** Lets the mover run until so many files are there, kills it, and tells what is there then. */
async function killedRun(
  mover: Mover,
  job: Parameters<Mover['command']>[0],
  count: () => number,
  files: number,
): Promise<Inodes> {
  const running = await start(mover.command(job));
  // What is there from before counts as well; a run always gets a moment, or it would never get further.
  const before = count();
  await until(
    'the mover gets somewhere',
    () => running.hasExited() || count() >= Math.max(files, before + 1),
    FIVE_MINUTES,
  );
  killMarked(running.mark);
  await until('the mover is gone', () => markedBy(running.mark).length === 0);
  await running.ended;
  return inodesBelow(job.destination);
}

function inodesBelow(root: string): Inodes {
  const args = ['.', '-type', 'f', '!', '-path', './.icewarp-rollout-*', '-printf', '%i %s\\n'];
  const lines = output('find', args, { cwd: root }).toString('latin1').trimEnd().split('\n');
  return new Map(
    lines
      .filter((line) => line !== '')
      .map((line) => {
        const [inode = '', bytes = ''] = line.split(' ');
        return [inode, Number(bytes)];
      }),
  );
}
