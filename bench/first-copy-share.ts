import { mkdirSync } from 'node:fs';

import type { MailTree } from '../test/support/trees/mail-tree.js';
import { makeMailTree } from '../test/support/trees/mail-tree.js';
import type { Bench } from './harness.js';
import { alternate, note, runBench, settle } from './harness.js';
import { measure } from './kit/measure.js';
import { fpsync, ours, OURS, rclone, rsync } from './kit/movers.js';
import { reportRequestsPerFile } from './kit/per-file.js';
import { table } from './kit/report.js';
import { figure, megabytes, median, range } from './kit/statistics.js';
import { requireSize } from './kit/workspace.js';
import { bareShareLoop, roundTripTime } from './share/ceiling.js';
import type { RelayStats } from './share/relay.js';
import { mountShare } from './share/share.js';

const NUMBERS = { files: 2_000, folder: 100, lanes: 16, delay: 1 };
type Numbers = keyof typeof NUMBERS;

/** One run: ours, a peer's, or the bare loop's, which has no process of its own to speak of. */
interface Run {
  readonly seconds: number;
  readonly peakMemory: number;
  readonly stats: RelayStats;
}

await runBench(
  {
    title: 'First copy, onto a share',
    about:
      'A tree of messages is copied onto sshfs, behind a relay on this machine that adds the given milliseconds each way ' +
      'and counts the requests; the share is mounted anew for each run. rclone and fpsync get as many lanes as the table ' +
      'says; icewarp-rollout chooses by itself. The bare loop sends the same requests over one connection, without a ' +
      'file system and without waiting for anybody: what relay and server give at most.',
    numbers: NUMBERS,
    movers: (engine) => [ours(engine), rsync, rclone, fpsync],
    tools: ['sshfs', 'sftp-server'],
  },
  firstCopy,
);

async function firstCopy(bench: Bench<Numbers>): Promise<void> {
  const { options, movers, workspace, report } = bench;
  const { files, folder, lanes, delay } = options.numbers;
  note('making the source');
  const source = workspace.folder('source');
  const tree = makeMailTree(source, { seed: options.seed, files, filesPerFolder: folder });
  await settle();
  const [backing, path] = [workspace.folder('backing'), workspace.folder('share')];
  const share = workspace.keep(await mountShare({ backing, path, delay }));
  const roundTrip = await roundTripTime(share.relay.port);
  let number = 0;
  const freshFolder = (): string => {
    number += 1;
    mkdirSync(`${backing}/${number}`);
    return `/${number}`;
  };
  const contenders = movers.map((mover) => ({
    name: mover.name,
    run: async (): Promise<Run> => {
      const [destination, scratch] = [freshFolder(), workspace.folder('scratch')];
      await share.remount();
      await share.relay.reset();
      const job = { source, destination: path + destination, scratch, files, wholeSeconds: true };
      const measured = await measure(mover.command(mover.name === OURS ? job : { ...job, lanes }));
      const stats = await share.relay.stats();
      requireSize(mover.name, backing + destination, tree);
      workspace.remove(backing + destination, scratch);
      return { ...measured, stats };
    },
  }));
  const loop = {
    name: `bare loop, ${lanes} lanes`,
    run: async (): Promise<Run> => {
      const destination = freshFolder();
      await share.relay.reset();
      const seconds = await bareShareLoop({ port: share.relay.port, tree, destination: backing + destination, lanes });
      requireSize('the bare loop', backing + destination, tree);
      workspace.remove(backing + destination);
      return { seconds, peakMemory: NaN, stats: await share.relay.stats() };
    },
  };
  const results = await alternate([...contenders, loop], options.runs);
  report.add(
    `${files} files, ${megabytes(tree.bytes)} MB, ${tree.folders} folders; a round trip takes ${figure(roundTrip)} ms.`,
  );
  report.add(timesTable(tree, results));
  report.add(
    'One lane, files of 23,000 bytes: what one more file costs. Round trips are those that have to be waited for, one ' +
      'after the other.',
  );
  await reportRequestsPerFile(bench, share);
  reportTargets(bench, results);
}

function timesTable(tree: MailTree, results: ReadonlyMap<string, readonly Run[]>): string {
  const middle = (name: string): number => median((results.get(name) ?? []).map(({ seconds }) => seconds));
  return table(
    ['contender', 'seconds: median (least–most)', 'files/s', `× ${OURS}`, 'requests per file', 'peak memory, MB'],
    [...results].map(([name, runs]) => [
      name,
      range(runs.map(({ seconds }) => seconds)),
      figure(tree.files / middle(name)),
      results.has(OURS) ? figure(middle(name) / middle(OURS)) : '–',
      figure(median(runs.map(({ stats }) => stats.total)) / tree.files),
      megabytes(Math.max(...runs.map(({ peakMemory }) => peakMemory))),
    ]),
  );
}

function reportTargets({ report }: Bench<Numbers>, results: ReadonlyMap<string, readonly Run[]>): void {
  const middle = (name: string): number => median((results.get(name) ?? []).map(({ seconds }) => seconds));
  const there = (names: readonly string[]): string[] => names.filter((name) => results.has(name));
  if (!results.has(OURS)) return;
  for (const [names, limit] of [[[rsync.name], 10] as const, [[rclone.name, fpsync.name], 2] as const]) {
    const peers = there(names);
    if (peers.length === 0) continue;
    const value = Math.min(...peers.map(middle)) / middle(OURS);
    report.target({ what: `times faster than ${peers.join(' and ')}`, value, is: 'least', limit });
  }
}
