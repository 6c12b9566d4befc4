import { RolloutError } from '../cluster/errors.js';
import { mailTree } from '../icewarp/mail-tree.js';
import { claimTree, isCopyBegun } from './copy-shard.js';
import { dropFinalPass, folderInForce, isThere, lookAtTree, treeContext, type TreeDesired } from './node-tree.js';
import { withdraw } from './old-mail.js';
import type { Resource } from './resource.js';
import { assertShareMounted } from './share-mounted.js';
import { wasUsed } from './tree-back.js';

export interface TreeSeededObserved {
  /** The folder in force. */
  readonly from: string;
  /** Passes over the tree have been begun, or none is needed: its folder in force is the one on the share. */
  readonly begun: boolean;
  /** Counted only as long as nothing has been begun. */
  readonly files: number;
  readonly bytes: number;
}

/**
 * A tree's copy on the share, made by passes while users work (procedure, Order 2, step 6). The step itself only claims
 * the ledger: the passes are workflows of their own. Its way back takes the copy away again, as long as nobody has used
 * it.
 */
export const treeSeeded: Resource<TreeDesired, TreeSeededObserved, 'node'> = {
  place: 'node',

  async observe(desired, context) {
    const from = await folderInForce(desired, context.signal);
    if (from === null) return null;
    const begun = isThere(from, desired.to) || (await isCopyBegun(desired.what, context.agent.config.stateDir));
    const look = begun ? null : await lookAtTree(desired, context);
    return { from, begun, files: look?.files ?? 0, bytes: look?.bytes ?? 0 };
  },

  diff({ what, to }, observed) {
    if (observed === null || observed.begun || observed.files === 0) return [];
    const after = `${observed.files} files, ${observed.bytes} bytes`;
    // users work meanwhile, and the tree grows
    return [{ what: `copy of the ${what} tree in ${to}`, before: 'not begun', after, volatile: ['after'] }];
  },

  async apply(desired, context) {
    const { what, to, mount, cluster, owner } = desired;
    const from = await folderInForce(desired, context.signal);
    if (from === null) throw new RolloutError('NOT_INSTALLED', `there is no IceWarp in ${desired.directory}`);
    if (isThere(from, to)) return;
    await assertShareMounted(mount, cluster, context.signal);
    await claimTree(mailTree(what, from, to, 'live', owner), treeContext(context));
  },

  async restore(desired, _before, context) {
    const { what, to, mount, cluster } = desired;
    const { agent, signal } = context;
    if (!(await isCopyBegun(what, agent.config.stateDir))) return [];
    if (await wasUsed(agent, what)) return [`${to} keeps the ${what} tree that users worked with`];
    const from = await folderInForce(desired, signal);
    if (from !== null && from !== '' && isThere(from, to)) {
      throw new RolloutError('CHANGED_MEANWHILE', `IceWarp in ${desired.directory} still uses ${to}`);
    }
    await assertShareMounted(mount, cluster, signal);
    const kept = await withdraw(desired, context);
    await dropFinalPass(agent, what);
    return kept;
  },
};
