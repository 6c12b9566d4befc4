import { randomInt } from 'node:crypto';

import {
  checkLoad,
  type CheckAnswer,
  defaultLabDirectory,
  openLab,
  productionOf,
  startLoad,
  stopLoad,
  storeOfA,
  storeOfShare,
  type Target,
  targetLoad,
} from '../lab/lab.js';
import { EXIT } from './exit.js';
import { say } from './say.js';

interface LoadFlags {
  readonly dir?: string;
  readonly json?: boolean;
}

/** Seconds that messages get to leave the queues before a check complains of them. */
const PATIENCE = 60;

/** Starts the load, and names its seed. @returns the exit code. */
export async function start({
  dir = defaultLabDirectory(),
  json,
  target: server,
  seed = randomInt(1_000_000),
}: LoadFlags & { readonly target: Target; readonly seed?: number }): Promise<number> {
  await startLoad(await openLab(dir), server, seed);
  say(json, { event: 'load', target: server, seed }, `The load runs on ${server} (seed ${seed}).`);
  return EXIT.done;
}

/** Sends the load's clients to another server. @returns the exit code. */
export async function target(server: Target, { dir = defaultLabDirectory(), json }: LoadFlags): Promise<number> {
  await targetLoad(await openLab(dir), server);
  say(json, { event: 'load', target: server }, `The load goes to ${server} now.`);
  return EXIT.done;
}

/** Ends the load. @returns the exit code. */
export async function stop({ dir = defaultLabDirectory(), json }: LoadFlags): Promise<number> {
  await stopLoad(await openLab(dir));
  say(json, { event: 'load', target: null }, 'The load has ended.');
  return EXIT.done;
}

/** Compares everything with what the load knows. @returns the exit code. */
export async function check({
  dir = defaultLabDirectory(),
  json = false,
  imap,
  store,
}: LoadFlags & { readonly imap: readonly Target[]; readonly store: 'A' | 'share' }): Promise<number> {
  const lab = await openLab(dir);
  const size = await productionOf(lab);
  const places = store === 'A' ? storeOfA(lab, size) : storeOfShare(lab, size);
  const answer = await checkLoad(lab, { imap, store: places, patience: PATIENCE });
  process.stdout.write(`${json ? JSON.stringify(answer, null, 2) : textOf(answer)}\n`);
  return answer.ok ? EXIT.done : EXIT.differences;
}

function textOf({ ok, problems, problemsInAll, counts, away }: CheckAnswer): string {
  return [
    ...problems.map(({ what, where, name, detail }) => `× ${what} (${where}) ${name}: ${detail}`),
    ...(problemsInAll > problems.length ? [`… ${problemsInAll} in all`] : []),
    ...(ok ? ['✓ everything is where its users left it'] : []),
    `${counts.old} old messages, ${counts.accepted} accepted, ${counts.unknown} unknown; ${counts.leaving} for elsewhere`,
    `${counts.changes} changes confirmed, ${counts.changesLost} unknown`,
    ...away.map(({ service, seconds, reason }) => {
      return seconds === null
        ? `${service} is still away (${reason})`
        : `${service} was away for ${seconds} s (${reason})`;
    }),
  ].join('\n');
}
