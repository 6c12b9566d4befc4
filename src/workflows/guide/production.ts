import { firstNode, machineOf } from '../../cluster/names.js';
import type { Cutover } from '../../cluster/schema.js';
import { stopsOf, type Stage, type Stop } from '../../cluster/stages.js';
import type { Cluster } from '../guide.js';
import type { Runner } from '../runner.js';
import type { SkippedList } from '../status.js';
import { makeAccounts } from './first-node-steps.js';
import { backOf, type BackPart } from './forecast.js';
import type { ShareSpeed } from './old-mail.js';
import {
  configurationMoves,
  moveConfiguration,
  prepareConfiguration,
  catchUpAgain,
} from './production/configuration.js';
import { databasesMove, moveDatabases, refreshCache, rehearseDatabases } from './production/databases.js';
import { closeAndStop, openAgain, type First } from './production/stop.js';
import { catchUp, moveStorage, prepareStorage, storageMoves } from './production/storage.js';

/**
 * A first node that serves users moves while they work, with one short stop for each part (procedure, Order 2, steps 4 to
 * 12).
 *
 * @returns whether its mail has moved now.
 */
export async function moveFirstNode(
  run: Runner,
  cluster: Cluster,
  cutover: Cutover,
  speed: ShareSpeed | null,
): Promise<boolean> {
  const spec = firstNode(cluster.file);
  const first: First = { ...cluster, spec, node: machineOf(cluster.on, spec), cutover, speed };
  // first, because they move with the others: the probes of every stop log in as them
  await makeAccounts(run, first, first.node);
  let [opened, moved]: [number | undefined, boolean] = [undefined, false];
  for (const stop of stopsOf(cutover)) {
    run.phase(`Stop: ${stop.moves.join(', ')}`);
    if (await isNeeded(run, first, stop.moves)) {
      opened = await stopFor(run, first, stop, opened);
      moved ||= stop.moves.includes('storage');
    } else {
      // nothing is stopped for what is there already: it is only compared
      for (const stage of stop.moves) await GUIDES[stage].move(run, first);
      run.verified(stop.moves);
    }
  }
  return moved;
}

/** What one stage does: while users work, right before the stop, and in it. */
interface StageGuide {
  readonly isNeeded: (run: Runner, first: First) => Promise<boolean>;
  /** @returns seconds that it is expected to take in the stop; null where nothing tells. */
  readonly prepare: (run: Runner, first: First) => Promise<Prepared>;
  readonly justBefore?: (run: Runner, first: First) => Promise<void>;
  /** Ends with the services up, on the new place. */
  readonly move: (run: Runner, first: First) => Promise<void>;
  /** When users are back. */
  readonly afterOpen?: (run: Runner, first: First) => Promise<void>;
}

/** What is known of a stage's part in the stop. */
export interface Prepared {
  readonly seconds: number | null;
  readonly skipped: readonly SkippedList[];
  /** What its way back is expected to take once users have worked with it. */
  readonly back: readonly BackPart[];
}

const GUIDES: Readonly<Record<Stage, StageGuide>> = {
  databases: { isNeeded: databasesMove, prepare: rehearseDatabases, move: moveDatabases, afterOpen: refreshCache },
  storage: { isNeeded: storageMoves, prepare: prepareStorage, justBefore: catchUp, move: moveStorage },
  configuration: {
    isNeeded: configurationMoves,
    prepare: prepareConfiguration,
    justBefore: catchUpAgain,
    move: moveConfiguration,
  },
};

/** Seconds of a stop besides what its stages do: stopping, proving that it is quiet, starting, probing. */
const AROUND = 60;
const AROUND_BACK: BackPart = { what: 'stopping, starting and probing', least: AROUND, most: AROUND };

async function isNeeded(run: Runner, first: First, moves: readonly Stage[]): Promise<boolean> {
  for (const stage of moves) if (await GUIDES[stage].isNeeded(run, first)) return true;
  return false;
}

/** @returns when users came back, in milliseconds since the epoch. */
async function stopFor(run: Runner, first: First, stop: Stop, opened: number | undefined): Promise<number> {
  const { node, file, cutover } = first;
  const { stage, moves } = stop;
  const earliest = opened === undefined ? {} : { earliest: opened + cutover.soak * 1_000 };
  await run.cutover(
    {
      ...stop,
      title: `services stop for ${moves.join(', ')}`,
      guide: 'G13 G15 G24',
      node,
      directory: file.icewarp.directory,
      lease: cutover.lease,
    },
    {
      ready: async () => {
        const prepared: Prepared[] = [];
        for (const one of moves) prepared.push(await GUIDES[one].prepare(run, first));
        const seconds = prepared.map((one) => one.seconds);
        const known = seconds.every((one) => one !== null);
        return {
          forecast: known ? AROUND + seconds.reduce<number>((sum, one) => sum + one, 0) : null,
          skipped: prepared.flatMap((one) => one.skipped),
          back: backOf([...prepared.flatMap((one) => one.back), AROUND_BACK]),
          ...earliest,
        };
      },
      justBefore: async () => {
        for (const one of moves) await GUIDES[one].justBefore?.(run, first);
      },
      closed: async () => {
        await closeAndStop(run, first, stage);
        for (const one of moves) await GUIDES[one].move(run, first);
      },
      open: async () => {
        await openAgain(run, first, stage);
        for (const one of moves) await GUIDES[one].afterOpen?.(run, first);
      },
    },
  );
  return Date.now();
}
