import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { makeMailTree } from '../../test/support/trees/mail-tree.js';
import { output } from '../../test/support/commands.js';
import type { Bench } from '../harness.js';
import { note, settle } from '../harness.js';
import type { RelayStats } from '../share/relay.js';
import type { Share } from '../share/share.js';
import { measure } from './measure.js';
import type { Mover } from './movers.js';
import { fpsync, OURS } from './movers.js';
import { table } from './report.js';
import { figure } from './statistics.js';

/** Files in the smaller and in the larger tree; the difference between the two is what the files cost. */
const FEW = 10;
const MANY = 60;
const BYTES = 23_000;

/** The most that a file may cost ours: in a new leaf folder, which is filled in staging, and in one that is there. */
const MOST = { new: { requests: 9, roundTrips: 6 }, existing: { requests: 11, roundTrips: 8 } } as const;

/** What `MANY - FEW` files cost in one place. */
interface Cost {
  readonly requests: Readonly<Record<string, number>>;
  readonly total: number;
  readonly roundTrips: number;
}

/**
 * Counts, with one lane, what one more file costs: in a folder that the destination does not have yet, and in one that
 * an earlier pass has made. fpsync is left out: it is rsync, and its jobs run side by side.
 * Adds the table and ours' gates to the report.
 */
export async function reportRequestsPerFile<Name extends string>(bench: Bench<Name>, share: Share): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const mover of bench.movers) {
    if (mover.name === fpsync.name) continue;
    note(`${mover.name}: requests per file`);
    const costs = await costsOf(mover, bench, share);
    for (const place of ['new', 'existing'] as const) {
      const { requests, total, roundTrips } = costs[place];
      const kinds = Object.entries(requests).filter(([, count]) => count >= 0.05);
      const listed = kinds.sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${figure(count)}`);
      rows.push([mover.name, place, figure(total), figure(roundTrips), listed.join(', ')]);
      if (mover.name !== OURS) continue;
      const gate = { is: 'most', gate: true } as const;
      const [most, where] = [MOST[place], `per file in a folder that is ${place}`];
      bench.report.target({ what: `requests ${where}`, value: total, limit: most.requests, ...gate });
      bench.report.target({ what: `round trips ${where}`, value: roundTrips, limit: most.roundTrips, ...gate });
    }
  }
  bench.report.add(table(['contender', 'folder', 'requests', 'round trips', 'requests by kind'], rows));
}

async function costsOf<Name extends string>(
  mover: Mover,
  { options, workspace }: Bench<Name>,
  share: Share,
): Promise<{ readonly new: Cost; readonly existing: Cost }> {
  const tree = (files: number): string => {
    const source = workspace.folder('source');
    makeMailTree(source, { seed: options.seed, files, filesPerFolder: MANY, bytes: BYTES });
    return source;
  };
  const job = (source: string, files: number): (() => Promise<RelayStats>) => {
    const destination = workspace.folder('destination').slice(workspace.root.length);
    mkdirSync(share.backing + destination);
    const scratch = workspace.folder('scratch');
    return async () => {
      await share.remount();
      await share.relay.reset();
      const where = { source, destination: share.path + destination, scratch, files, lanes: 1, wholeSeconds: true };
      await measure(mover.command(where));
      return share.relay.stats();
    };
  };
  const [few, many] = [tree(FEW), tree(MANY)];
  await settle();
  const [small, large] = [job(few, FEW), job(many, MANY)];
  const fresh = perFile(await small(), await large());
  // The same tree twice more, with few and with many new files in the folder that is there: what a run costs that writes
  // anything at all is not what one more file costs.
  const [message] = output('find', [few, '-name', '*.imap']).toString('latin1').split('\n');
  if (message === undefined) throw new Error('the tree has no messages');
  const add = (from: number, to: number): void => {
    for (let added = from; added < to; added += 1) copyFileSync(message, join(dirname(message), `2025${added}.imap`));
  };
  add(0, FEW);
  await settle();
  const less = await small();
  add(FEW, FEW + MANY);
  await settle();
  const more = await small();
  return { new: fresh, existing: perFile(less, more) };
}

function perFile(less: RelayStats, more: RelayStats): Cost {
  const files = MANY - FEW;
  const share = (a: number, b: number): number => (b - a) / files;
  const kinds = new Set([...Object.keys(less.requests), ...Object.keys(more.requests)]);
  const requests = [...kinds].map((kind): [string, number] => [
    kind,
    share(less.requests[kind] ?? 0, more.requests[kind] ?? 0),
  ]);
  return {
    requests: Object.fromEntries(requests),
    total: share(less.total, more.total),
    roundTrips: share(less.roundTrips, more.roundTrips),
  };
}
