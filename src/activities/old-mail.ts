import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { isInstalled } from '../icewarp/layout.js';
import type { TreeName } from '../icewarp/mail-tree.js';
import { copyWhole } from './copy-whole.js';
import { isCopyBegun, withdrawCopy } from './copy-shard.js';
import type { Owner } from './folder-set.js';
import {
  dropFinalPass,
  finishTree,
  folderInForce,
  isThere,
  lookAtTree,
  mountOf,
  treeContext,
  type TreeDesired,
  type TreeLook,
  type TreePlace,
} from './node-tree.js';
import { queuesBelow, stopWithQueuesEmpty } from './queues.js';
import type { Context, Resource } from './resource.js';
import { stopForChange } from './restart-marker.js';
import { assertShareMounted } from './share-mounted.js';

/**
 * What stops the services and makes the final pass. The first copy is made before, by passes of their own, while users
 * work.
 */
export const oldMail: Resource<TreeDesired, TreeLook, 'node'> = {
  place: 'node',
  observe: (desired, context) => lookAtTree(desired, context),

  diff(desired, observed) {
    const what = `old ${desired.what} in ${desired.to}`;
    if (observed === null) return [];
    const { files, bytes, copied } = observed;
    if (files === 0 || copied) return [];
    // users work meanwhile, and the mail grows
    return [{ what, before: 'not there', after: `${files} files, ${bytes} bytes`, volatile: ['after'] }];
  },

  async apply(desired, context) {
    const before = await lookAtTree(desired, context);
    if (before === null) throw new RolloutError('NOT_INSTALLED', `there is no IceWarp in ${desired.directory}`);
    if (oldMail.diff(desired, before).length === 0) return;
    await assertShareMounted(desired.mount, desired.cluster, context.signal);
    await stopForChange(desired.directory, context);
    await finish(desired, before.from, desired.owner, context);
  },

  async restore(desired, _before, context) {
    const { agent, signal } = context;
    const { directory, what } = desired;
    if (!(await isCopyBegun(what, agent.config.stateDir))) {
      await dropFinalPass(agent, what);
      return [];
    }
    await assertShareMounted(desired.mount, desired.cluster, signal);
    if (await isInstalled(directory)) await stopForChange(directory, context);
    const kept = await withdraw(desired, context);
    await dropFinalPass(agent, what);
    return kept;
  },
};

/** Takes the copies of a tree away from the share that nobody uses. @returns what stays there, and why. */
export async function withdraw({ what, to }: TreePlace, context: Context): Promise<readonly string[]> {
  const { DEST_CHANGED: kept } = await withdrawCopy(what, treeContext(context));
  if (kept === undefined) return [];
  return [`${to} keeps ${kept.count} copied files that changed since, such as ${kept.example}`];
}

/**
 * Stands before a path is switched to the share: stops the services and copies what came in since the copy, for whatever
 * reason they ran meanwhile. They stay stopped, noted by the restart marker.
 *
 * @throws RolloutError QUEUE_NOT_EMPTY, with the services as they were; SHARE_NOT_MOUNTED; as {@link copyWhole} does.
 */
export async function assertOldMailCopied(
  directory: string,
  what: TreeName,
  to: string,
  context: Context,
): Promise<void> {
  const { agent, signal } = context;
  const place = { directory, what, to };
  const from = await folderInForce(place, signal);
  if (from === null || isThere(from, to)) return;
  if (what === 'mail') await stopWithQueuesEmpty(directory, queuesBelow(from), context);
  else await stopForChange(directory, context);
  const after = await lookAtTree(place, context);
  if (after === null || after.copied) return;
  if (after.files === 0 && !(await isCopyBegun(what, agent.config.stateDir))) return;
  await assertShareMounted(await mountOf(resolve(to), signal), agent.config.cluster, signal);
  await finish(place, from, await stat(to), context);
}

async function finish(place: TreePlace, from: string, owner: Owner, context: Context): Promise<void> {
  await finishTree(place, from, owner, context, async (tree) => {
    await copyWhole({ tree, kind: 'final' }, treeContext(context));
  });
}
