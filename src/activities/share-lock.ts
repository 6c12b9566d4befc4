import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import { runCommand, type RunOptions } from '../platform/run.js';
import { PROOF_PREFIX } from './folder-set.js';
import { asProcessUser, writeSynced } from './process-user.js';
import type { Context, Procedure } from './resource.js';

export interface ShareLockInput {
  /** A folder of the share. */
  readonly folder: string;
  /** Names the files of this proof: letters, digits and hyphens. */
  readonly token: string;
  /** The node that holds the lock, and those to which it must be refused. */
  readonly holder: string;
  readonly others: readonly string[];
  /** The mail server's process user. */
  readonly uid: number;
  readonly gid: number;
}

/** Milliseconds until the other nodes must have done their part. */
const PATIENCE = 60_000;
const PAUSE = 200;
/** Seconds for which a lock is held at most. */
const HOLD = '90';
/** What flock(1) answers when somebody else holds the lock; we ask it for a number of its own. */
const CONFLICT = 99;

/**
 * Holds a lock until every other node has tried to take it (procedure, rule 17): without locks between nodes two servers
 * write one mailbox's index at once. Runs at the same time as {@link shareLockRefused} on the others.
 *
 * @throws RolloutError SHARE_LOCKS when the share takes no locks, SHARE_STALE when the others do not try.
 */
export const shareLockHeld: Procedure<ShareLockInput, Record<string, never>, 'node'> = {
  place: 'node',
  run: async (input, context) => {
    const { lock, held, tried } = filesOf(input);
    const options = asProcessUser(input, context.signal, 2 * PATIENCE);
    const remove = (): Promise<unknown> => runCommand('rm', ['--force', '--', held, lock, ...tried.values()], options);
    await remove();
    await writeSynced(lock, 'x', options);
    const release = new AbortController();
    const signal = AbortSignal.any([context.signal, release.signal]);
    const holding = runCommand('flock', ['--exclusive', '--no-fork', lock, 'sleep', HOLD], { ...options, signal }).then(
      () => undefined,
      () => undefined, // ended by us; that it never held is seen below
    );
    try {
      const isHeld = async (): Promise<boolean> => !(await isFree(lock, options));
      if (!(await comes(isHeld, context, 5_000))) {
        throw new RolloutError('SHARE_LOCKS', `a lock on a file in ${input.folder} keeps nobody out on this node`);
      }
      await writeSynced(held, randomUUID(), options);
      const all = async (): Promise<boolean> => (await there([...tried.values()], options)) === tried.size;
      if (!(await comes(all, context))) {
        throw new RolloutError('SHARE_STALE', `not every node tried the lock that ${input.holder} holds`);
      }
    } finally {
      release.abort();
      await holding;
      if (!context.signal.aborted) await remove();
    }
    return {};
  },
};

/**
 * Proves that the lock that another node holds is refused here.
 *
 * @throws RolloutError SHARE_LOCKS when it is granted, SHARE_STALE when the other's file never comes.
 */
export const shareLockRefused: Procedure<ShareLockInput & { readonly node: string }, Record<string, never>, 'node'> = {
  place: 'node',
  run: async (input, context) => {
    const granted = await isGranted(input, context);
    await writeSynced(
      filesOf(input).tried.get(input.node) ?? '',
      'x',
      asProcessUser(input, context.signal, 2 * PATIENCE),
    );
    if (!granted) return {};
    throw new RolloutError(
      'SHARE_LOCKS',
      `a lock that ${input.holder} holds in ${input.folder} is granted here as well`,
    );
  },
};

/** Whether the lock can be taken while the other node says that it holds it. */
async function isGranted(input: ShareLockInput, context: Context): Promise<boolean> {
  const { lock, held } = filesOf(input);
  const options = asProcessUser(input, context.signal, 2 * PATIENCE);
  let mark = '';
  const isHeld = async (): Promise<boolean> => (mark = await read(held, options)) !== '';
  for (;;) {
    if (!(await comes(isHeld, context))) {
      throw new RolloutError('SHARE_STALE', `what ${input.holder} wrote in ${input.folder} is not seen here`);
    }
    const seen = mark;
    if (!(await isFree(lock, options))) return false;
    await sleep(2 * PAUSE, undefined, { signal: context.signal });
    // a mark that an earlier attempt left is replaced soon, and says nothing
    if ((await read(held, options)) === seen) return true;
  }
}

interface LockFiles {
  readonly lock: string;
  /** Says that the lock is held. */
  readonly held: string;
  /** Say that a node has tried, by node. */
  readonly tried: ReadonlyMap<string, string>;
}

function filesOf({ folder, token, holder, others }: ShareLockInput): LockFiles {
  const lock = join(folder, `${PROOF_PREFIX}${token}-${holder}.lock`);
  return { lock, held: `${lock}.held`, tried: new Map(others.map((node) => [node, `${lock}.tried-${node}`])) };
}

/** @throws RolloutError SHARE_LOCKS when the file system knows no locks. */
async function isFree(lock: string, options: RunOptions): Promise<boolean> {
  const args = ['--exclusive', '--nonblock', '--conflict-exit-code', String(CONFLICT), lock, 'true'];
  const { exitCode } = await runCommand('flock', args, { ...options, accept: [0, CONFLICT, 65, 66, 69, 71] });
  if (exitCode === 0) return true;
  if (exitCode === CONFLICT) return false;
  throw new RolloutError('SHARE_LOCKS', `the share takes no lock on ${lock} (flock ended with ${exitCode})`);
}

async function there(files: readonly string[], options: RunOptions): Promise<number> {
  const { stdout } = await runCommand('stat', ['--format=x', '--', ...files], { ...options, accept: [0, 1] });
  return stdout === '' ? 0 : stdout.split('\n').length;
}

/** What a file holds; nothing when there is none. */
async function read(file: string, options: RunOptions): Promise<string> {
  return (await runCommand('cat', ['--', file], { ...options, accept: [0, 1] })).stdout;
}

async function comes(isSo: () => Promise<boolean>, { signal }: Context, patience = PATIENCE): Promise<boolean> {
  for (const end = Date.now() + patience; Date.now() < end;) {
    if (await isSo()) return true;
    await sleep(PAUSE, undefined, { signal });
  }
  return false;
}
