import { RolloutError } from '../cluster/errors.js';
import { runningModules } from '../icewarp/control.js';
import { mailTree, type MailTree } from '../icewarp/mail-tree.js';
import { copyWhole } from './copy-whole.js';
import { verifyTree } from './copy-shard.js';
import {
  copiedFrom,
  dropFinalPass,
  finishTree,
  folderInForce,
  isThere,
  treeContext,
  treeNote,
  type TreeDesired,
  type TreeState,
} from './node-tree.js';
import type { Context, Resource } from './resource.js';
import { assertShareMounted } from './share-mounted.js';
import { asFinalPassLeft } from './tree-as-left.js';
import { takeBack, wasUsed } from './tree-back.js';

export interface TreeFinalDesired extends TreeDesired {
  /** Hashes of lists of skipped items that the operator has approved: what they name may be missing on the share. */
  readonly skipped: readonly string[];
}

export interface TreeFinalObserved {
  /** The folder in force. */
  readonly from: string;
  /** A final pass over it has ended, and nobody has put it back. */
  readonly copied: boolean;
}

/** Files of earlier passes that are read again beside those of the final one, while users wait (R25). */
const SAMPLED = 1_000;

/**
 * The final pass over a tree with the services stopped, ended by a second walk that finds nothing (procedure, Order 2,
 * step 9). Before users work with the copy, its way back makes it what the pass had left and forgets the pass: the copy
 * stays for the next one. After that it takes back to the old tree what they changed.
 */
export const treeFinal: Resource<TreeFinalDesired, TreeFinalObserved, 'node'> = {
  place: 'node',

  // cheap, because users wait: whoever switches the path looks through the tree itself
  async observe(desired, context) {
    const from = await folderInForce(desired, context.signal);
    if (from === null) return null;
    return { from, copied: await isFinished(desired, from, context) };
  },

  diff({ what, to }, observed) {
    if (observed?.copied === true) return [];
    return [{ what: `final pass to ${to}`, before: 'not made', after: `all of the ${what} tree` }];
  },

  async apply(desired, context) {
    const { directory, mount, cluster, owner, skipped } = desired;
    const { signal } = context;
    const from = await folderInForce(desired, signal);
    if (from === null) throw new RolloutError('NOT_INSTALLED', `there is no IceWarp in ${directory}`);
    if (await isFinished(desired, from, context)) return;
    await assertShareMounted(mount, cluster, signal);
    const running = await runningModules(directory);
    if (running.length > 0) {
      throw new RolloutError('SERVICES_RUNNING', `the final pass needs them stopped: ${running.join(', ')}`);
    }
    await finishTree(desired, from, owner, context, (tree, state) => copyAndVerify(tree, state, skipped, context));
  },

  async restore(desired, _before, context) {
    const { agent } = context;
    if (await wasUsed(agent, desired.what)) return takeBack(desired, context);
    const kept = await asLeft(desired, context);
    await dropFinalPass(agent, desired.what);
    return kept;
  },
};

/** Services that ran closed on the copy have written to it: the next pass must not meet that. */
async function asLeft({ what, to, mount, cluster, owner }: TreeDesired, context: Context): Promise<readonly string[]> {
  const { agent, signal } = context;
  const final = await treeNote(agent, what).read();
  if (final === null || isThere(final.source, to)) return [];
  try {
    await assertShareMounted(mount, cluster, signal);
    return await asFinalPassLeft(mailTree(what, final.source, to, 'quiet', owner), final.ended ?? 0, signal);
  } catch (error) {
    signal.throwIfAborted();
    // users wait for their old server, which needs no share
    agent.log('the copy is not what the final pass had left', { tree: what, error });
    return [`${to} may hold what services wrote before users had it: the next pass lists what it cannot copy over`];
  }
}

/** Services that have been started again write to the old tree: then the pass is none any more. */
async function isFinished({ directory, what, to }: TreeDesired, from: string, { agent }: Context): Promise<boolean> {
  if (isThere(from, to)) return true;
  return (await copiedFrom(agent, what)) === from && (await runningModules(directory)).length === 0;
}

/** @throws RolloutError as `copyWhole` does; SOURCE_NOT_QUIET when the counts differ; COPY_DIFFERS. */
async function copyAndVerify(
  tree: MailTree,
  { files, links }: TreeState,
  approved: readonly string[],
  context: Context,
): Promise<void> {
  const { seen, skipped } = await copyWhole({ tree, kind: 'final' }, treeContext(context), approved);
  // what was skipped, such as a folder that cannot be read, may have been counted by one of both only
  if (skipped === 0 && seen.files !== files + links) {
    throw new RolloutError(
      'SOURCE_NOT_QUIET',
      `${files + links} files were counted in ${tree.source}, ${seen.files} copied`,
    );
  }
  const sample = Math.min(100, Math.ceil((100 * SAMPLED) / Math.max(1, files)));
  const verified = await verifyTree({ tree, sample, latest: true }, treeContext(context));
  if (verified.outcome === 'equal') return;
  const { different, differencesFile = '' } = verified;
  throw new RolloutError(
    'COPY_DIFFERS',
    `${different} files in ${tree.destination} are not what was copied: ${differencesFile}`,
  );
}
