import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import { runCommand, type RunOptions } from '../platform/run.js';
import { PROOF_PREFIX } from './folder-set.js';
import { asProcessUser, writeSynced } from './process-user.js';
import type { Context, Procedure } from './resource.js';

export interface ShareDelayInput {
  /** A folder of the share. */
  readonly folder: string;
  /** Names the files of this measurement: letters, digits and hyphens. */
  readonly token: string;
  /** The node that asks, and the one that answers. */
  readonly asks: string;
  readonly answers: string;
  readonly uid: number;
  readonly gid: number;
}

/** Milliseconds until something is seen on the other node: the middle one of several, and the worst. */
export interface Delay {
  readonly median: number;
  readonly worst: number;
}

export interface ShareDelays {
  readonly created: Delay;
  readonly changed: Delay;
  readonly deleted: Delay;
}

const ROUNDS = 5;
const PAUSE = 25;
/** Milliseconds until the other node must have begun. */
const PATIENCE = 30_000;
/** Milliseconds until everything must be seen on the other node. */
const VISIBLE = 10_000;
const TIMEOUT = 30_000;

/** A round's states: the file is there, holds something else of the same length, is gone. */
const STATES = ['created', 'changed', 'deleted'] as const;
type State = (typeof STATES)[number];
const CONTENTS: Readonly<Record<State, string>> = { created: '1', changed: '2', deleted: '' };

/**
 * Measures how long it takes until another node sees a new file, a change of equal length, and a deletion (procedure,
 * rule 17): that node answers each in the same way with a file of its own, and half of the time until the answer is seen
 * here counts, so that no clocks are compared. Runs at the same time as {@link shareDelayAnswered} on the other.
 *
 * @throws RolloutError SHARE_UNFIT when it takes more than ten seconds, SHARE_STALE when the other node never answers.
 */
export const shareDelayAsked: Procedure<ShareDelayInput, ShareDelays, 'node'> = {
  place: 'node',
  async run(input, context) {
    const options = asProcessUser(input, context.signal, TIMEOUT);
    const files = Array.from({ length: ROUNDS }, (_, round) => filesOf(input, round));
    const all = files.flatMap(({ ask, answer }) => [ask, answer]);
    const took: Record<State, number[]> = { created: [], changed: [], deleted: [] };
    try {
      for (const [round, { ask, answer }] of files.entries()) {
        for (const state of STATES) {
          const began = Date.now();
          await bring(ask, state, options);
          // the first answer also says that the other node has begun
          const isFirst = round === 0 && state === 'created';
          if (!(await comes(answer, state, options, context, isFirst ? PATIENCE : 2 * VISIBLE))) {
            throw isFirst ? silent(input.answers, input) : unfit(input, state, 2 * VISIBLE);
          }
          if (!isFirst) took[state].push((Date.now() - began) / 2);
        }
      }
    } finally {
      if (!context.signal.aborted) await runCommand('rm', ['--force', '--', ...all], options);
    }
    return { created: delayOf(took.created), changed: delayOf(took.changed), deleted: delayOf(took.deleted) };
  },
};

/**
 * Answers what another node asks.
 *
 * @throws RolloutError SHARE_STALE when nothing is asked any more.
 */
export const shareDelayAnswered: Procedure<ShareDelayInput, Record<string, never>, 'node'> = {
  place: 'node',
  async run(input, context) {
    const options = asProcessUser(input, context.signal, TIMEOUT);
    for (let round = 0; round < ROUNDS; round += 1) {
      const { ask, answer } = filesOf(input, round);
      for (const state of STATES) {
        if (!(await comes(ask, state, options, context, PATIENCE))) throw silent(input.asks, input);
        await bring(answer, state, options);
      }
    }
    return {};
  },
};

function filesOf({ folder, token }: ShareDelayInput, round: number): { ask: string; answer: string } {
  const file = join(folder, `${PROOF_PREFIX}${token}-${round}`);
  return { ask: `${file}.ask`, answer: `${file}.answer` };
}

async function bring(file: string, state: State, options: RunOptions): Promise<void> {
  if (state === 'deleted') await runCommand('rm', ['--force', '--', file], options);
  else await writeSynced(file, CONTENTS[state], options);
}

/** Whether a file comes to a state in time. An empty file is one that is being written. */
async function comes(
  file: string,
  state: State,
  options: RunOptions,
  { signal }: Context,
  patience: number,
): Promise<boolean> {
  for (const end = Date.now() + patience; ;) {
    const { exitCode, stdout } = await runCommand('cat', ['--', file], { ...options, accept: [0, 1] });
    if (state === 'deleted' ? exitCode === 1 : stdout === CONTENTS[state]) return true;
    if (Date.now() > end) return false;
    await sleep(PAUSE, undefined, { signal });
  }
}

function delayOf(milliseconds: readonly number[]): Delay {
  const sorted = milliseconds.map(Math.round).sort((one, other) => one - other);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, worst: sorted.at(-1) ?? 0 };
}

function unfit({ folder, asks, answers }: ShareDelayInput, state: State, waited: number): RolloutError {
  const what = { created: 'a new file', changed: 'a change', deleted: 'a deletion' }[state];
  return new RolloutError(
    'SHARE_UNFIT',
    `${what} in ${folder} does not get from ${asks} to ${answers} and back within ${waited / 1_000} s`,
  );
}

function silent(node: string, { folder }: ShareDelayInput): RolloutError {
  return new RolloutError('SHARE_STALE', `what ${node} does in ${folder} is not seen here`);
}
