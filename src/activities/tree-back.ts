import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import type { Stage } from '../cluster/stages.js';
import { mailTree, QUARANTINE, type MailTree, type TreeName } from '../icewarp/mail-tree.js';
import { shown, sizeOfTree, treeRoot } from '../platform/tree.js';
import { summarize } from '../transfer/skipped-summary.js';
import type { PassResult } from '../transfer/types.js';
import type { Agent } from './agent.js';
import { changedOnBoth } from './changed-both.js';
import { copyShard, ledgerFolder, reverseTree } from './copy-shard.js';
import { missedIn, skippedWords } from './copy-whole.js';
import { dropFinalPass, folderInForce, isThere, matcher, treeContext, treeNote } from './node-tree.js';
import type { TreeDesired } from './node-tree.js';
import { wasOpened } from './opened.js';
import type { Context } from './resource.js';
import { stopForChange } from './restart-marker.js';
import { assertShareMounted } from './share-mounted.js';
import { stateFile, type StateFile } from './state-file.js';
import { CLOCKS, compareTrees } from './tree-equal.js';

/** The stop that switches a tree's path: the calendar's is no setting, but line 7 of path.dat. */
const STAGE_OF: Readonly<Record<TreeName, Stage>> = {
  mail: 'storage',
  archive: 'storage',
  calendar: 'configuration',
};

/** Files that a ledger may forget without more being asked, as the engine's own limit says (R18). */
const FORGET_ALWAYS = 1_000;
/** Tries to make the trees equal: the second one reads again what the first one was deceived about by times. */
const ROUNDS = 2;

/** The durable note that users have worked with a tree on the share. */
interface BackNote {
  /** The final pass whose way back is done, by when it had ended; what comes after it has one of its own. */
  readonly done: number | null;
  readonly kept: readonly string[];
}

/** Whether users have worked with the tree on the share, now or before an earlier way back: then it is never deleted. */
export async function wasUsed(agent: Agent, what: TreeName): Promise<boolean> {
  return (await wasOpened(agent, STAGE_OF[what])) || (await backNote(agent, what).read()) !== null;
}

/**
 * Takes back to the old tree what users have changed on the share since the final pass, with deletions and renames
 * (procedure, rule 16; R24). Whatever is replaced or removed there stays in a quarantine beside it; the share stays as it
 * is. Ends only when the old tree is proven to equal the share, and leaves the ledger such that a new move goes on with
 * the copy that is there. May be killed anywhere and run again.
 *
 * @returns what stays in place, and why.
 * @throws RolloutError SHARE_NOT_MOUNTED, CHANGED_MEANWHILE when IceWarp still uses the share, TOO_MUCH_GONE, COPY_DIFFERS,
 * COPY_INCOMPLETE; what the engine fails with.
 */
export async function takeBack(desired: TreeDesired, context: Context): Promise<readonly string[]> {
  const { directory, what, to, mount, cluster, owner } = desired;
  const { agent, signal } = context;
  const back = backNote(agent, what);
  const final = await treeNote(agent, what).read();
  const known = await back.read();
  if (final === null) return known?.kept ?? [];
  // before anything: from now on the share's tree is never taken for a copy that nobody has used
  if (known === null) await back.write({ done: null, kept: [] });
  if (!(await wasOpened(agent, STAGE_OF[what]))) {
    await dropFinalPass(agent, what);
    return [];
  }
  await assertShareMounted(mount, cluster, signal);
  const inForce = await folderInForce(desired, signal);
  if (inForce !== null && isThere(inForce, to)) {
    throw new RolloutError('CHANGED_MEANWHILE', `IceWarp in ${directory} still uses ${to}`);
  }
  if (inForce !== null) await stopForChange(directory, context);
  const tree = mailTree(what, final.source, to, 'quiet', owner);
  const quarantine = await quarantineOf(final.source);
  // an earlier version did not note it: then everything counts as changed since
  const { ended = 0 } = final;
  let kept = known?.kept ?? [];
  if (known?.done !== ended) {
    kept = await makeEqual(tree, quarantine, ended, context);
    await back.write({ done: ended, kept });
  }
  await agree(tree, quarantine, context);
  await dropFinalPass(agent, what);
  return kept;
}

/** @returns what the old tree keeps, and what is kept of it. */
async function makeEqual(
  tree: MailTree,
  quarantine: string,
  ended: number,
  context: Context,
): Promise<readonly string[]> {
  const { source, destination } = tree;
  const { agent, signal } = context;
  const told: string[] = [];
  let rehash = tree.rehash;
  for (let round = 1; ; round += 1) {
    await takeBackOnce({ ...tree, rehash }, quarantine, context);
    const { different, more } = await compareTrees(treeRoot(destination), treeRoot(source), {
      signal,
      exclude: matcher(tree.exclude),
      always: matcher(rehash),
      since: ended - CLOCKS,
    });
    const [first] = different;
    if (first !== undefined && round < ROUNDS) {
      rehash = [...tree.rehash, ...different.map((path) => `/${path.toString()}`)];
      continue;
    }
    if (first !== undefined) {
      throw new RolloutError('COPY_DIFFERS', `${source} is not what ${destination} is, such as ${shown(first)}`);
    }
    const both = await changedOnBoth(agent, tree.name, quarantine, ended, signal);
    if (both !== null)
      told.push(`${both.count} files had changed in ${source} too, such as ${both.example}: the share’s are there now`);
    if (more.files > 0)
      told.push(`${source} keeps ${more.files} files that the share has not, such as ${more.example}`);
    break;
  }
  const { files } = await sizeOfTree(treeRoot(quarantine), { signal });
  if (files > 0) told.push(`${quarantine} keeps ${files} files that the way back replaced or removed`);
  told.push(`${destination} stays as users left it`);
  return told;
}

async function takeBackOnce(tree: MailTree, quarantine: string, context: Context): Promise<void> {
  const result = await reverseTree({ tree, quarantine }, treeContext(context));
  if (result.outcome !== 'done') throw tooMuch(result, tree, quarantine, context);
  const { CONFLICT: _both, FOREIGN: _, ...others } = missedIn(await summarize(result));
  if (Object.keys(others).length === 0) return;
  throw new RolloutError(
    'COPY_INCOMPLETE',
    `not all of ${tree.destination} is back in ${tree.source}: ${skippedWords(others)}; ` +
      `all are listed in ${result.skippedFile ?? ''}`,
  );
}

/**
 * Lets the ledger know both trees as they are: equal. A new move then goes on with what is on the share, and takes neither
 * what users wrote there for somebody else's, nor what they deleted for missing.
 */
async function agree(tree: MailTree, quarantine: string, context: Context): Promise<void> {
  // no more can be missing in the old tree than was taken out of it
  const { files } = await sizeOfTree(treeRoot(quarantine), { signal: context.signal });
  const maxDelete = Math.max(FORGET_ALWAYS, files);
  await copyShard({ tree: { ...tree, maxDelete }, kind: 'delta' }, treeContext(context));
}

function tooMuch({ why = '' }: PassResult, tree: MailTree, quarantine: string, { agent }: Context): RolloutError {
  const flags = [
    `--ledger ${ledgerFolder(tree.name, agent.config.stateDir)}`,
    `--quarantine ${quarantine}`,
    ...tree.exclude.map((pattern) => `--exclude '${pattern}'`),
    '--max-delete COUNT',
  ];
  const command = `icewarp-rollout transfer reverse ${flags.join(' ')}`;
  return new RolloutError('TOO_MUCH_GONE', `the way back to ${tree.source} is held: ${why}; to allow it: ${command}`);
}

/** Beside the old tree; inside, left out by name, where that is a file system of its own. */
async function quarantineOf(tree: string): Promise<string> {
  const above = dirname(tree);
  const [there, outside] = [await stat(tree), await stat(above)];
  return there.dev === outside.dev ? `${tree}${QUARANTINE}` : join(tree, QUARANTINE);
}

function backNote(agent: Agent, what: TreeName): StateFile<BackNote> {
  return stateFile<BackNote>(agent, `used-${what}`);
}
