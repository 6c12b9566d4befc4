import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import { readSentinel } from '../platform/sentinel.js';

/** Milliseconds between two looks at the share, and after which a look counts as not answered. */
export interface Pace {
  readonly every: number;
  readonly patience: number;
}

const PACE: Pace = { every: 30_000, patience: 20_000 };
/** Looks in a row without an answer after which the share counts as dead: one alone may have met a busy server. */
const MISSES = 2;

/**
 * Lets `work` go on only while the share answers. What waits for the server of a hard mount waits for ever, and by
 * itself tells nobody: the attempt would look alive for hours (B8; procedure, rule 17).
 *
 * A file operation that already waits cannot be ended. So when this throws, `work` may not have ended; its signal is
 * aborted, and it ends as soon as the share is back. Whoever begins something else must wait for it.
 *
 * @param mount Where the share is mounted; undefined: the work does not touch it, and nothing is watched.
 * @param pace Another one than the default only for tests.
 * @throws RolloutError SHARE_UNREACHABLE when the share does not answer.
 */
export async function besideShare<T>(
  mount: string | undefined,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  pace = PACE,
): Promise<T> {
  if (mount === undefined) return work(signal);
  const [dead, over] = [new AbortController(), new AbortController()];
  const working = work(AbortSignal.any([signal, dead.signal]));
  // Left behind by the throw below, it may fail long afterwards.
  working.catch(() => undefined);
  const watching = watch(mount, pace, over.signal).catch((error: unknown) => {
    dead.abort(error);
    throw error;
  });
  watching.catch(() => undefined);
  try {
    return await Promise.race([working, watching]);
  } finally {
    over.abort();
  }
}

/** Ends only by throwing. */
async function watch(mount: string, { every, patience }: Pace, over: AbortSignal): Promise<never> {
  let misses = 0;
  for (;;) {
    misses = (await answers(mount, patience, over)) ? 0 : misses + 1;
    if (misses === MISSES) throw unreachable(mount);
    if (misses === 0) await sleep(every, undefined, { signal: over });
  }
}

async function answers(mount: string, patience: number, signal: AbortSignal): Promise<boolean> {
  try {
    await readSentinel(mount, signal, patience);
    return true;
  } catch (error) {
    if (!(error instanceof RolloutError) || error.code !== 'SHARE_UNREACHABLE') throw error;
    return false;
  }
}

function unreachable(mount: string): RolloutError {
  return new RolloutError(
    'SHARE_UNREACHABLE',
    `the share at ${mount} does not answer. What already waits for it cannot be ended; nothing else is begun on this step before the share is back or the agent was restarted`,
  );
}
