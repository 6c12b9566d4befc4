import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { NamesSeen, unfitNames, type NamesThere } from '../cluster/file-names.js';
import { runCommand } from '../platform/run.js';
import { roomOnShare } from '../platform/share.js';
import { isCopyBegun } from './copy-shard.js';
import { PROOF_PREFIX } from './folder-set.js';
import { lookAtTree, type TreeAmount, type TreeDesired } from './node-tree.js';
import { asProcessUser, unworkable } from './process-user.js';
import type { Context, Procedure } from './resource.js';
import { assertShareMounted } from './share-mounted.js';
import { namesHeldIn } from './share-names.js';

const NOTHING: TreeAmount = { files: 0, bytes: 0, rewritten: { files: 0, bytes: 0 } };

/**
 * Proves that the share has room for all of the old mail, and holds its names, before the first file is copied (G15, G16;
 * procedure, rule 17). A copy that is under way has taken some of the room already, and says itself when the rest is not
 * enough.
 *
 * @returns how much is still to be copied.
 * @throws RolloutError SHARE_FULL, SHARE_UNFIT, SHARE_NOT_MOUNTED.
 */
export const roomForMail: Procedure<TreeDesired, TreeAmount, 'node'> = {
  place: 'node',
  async run(desired, context) {
    const { mount, cluster, what, to } = desired;
    const { agent, signal } = context;
    const names = new NamesSeen();
    const found = await lookAtTree(desired, context, (path) => {
      names.see(path.toString('latin1'));
    });
    if (found === null || found.copied || found.files === 0) return NOTHING;
    const { files, bytes, rewritten } = found;
    if (await isCopyBegun(what, agent.config.stateDir)) return { files, bytes, rewritten };
    await assertShareMounted(mount, cluster, signal);
    await assertNamesHeld(desired, names.there, context);
    const room = await roomOnShare(to, signal);
    if (room.bytes >= bytes && (room.files === null || room.files >= files)) return { files, bytes, rewritten };
    const takes = room.files === null ? '' : ` and ${room.files} files`;
    throw new RolloutError(
      'SHARE_FULL',
      `${to} takes only ${room.bytes} bytes${takes} more; the old ${what} has ${bytes} bytes and ${files} files`,
    );
  },
};

/** Bytes of a name, and kinds of names, that every share holds: where there are no others nothing is tried. */
const SAFE = 64;
const isPlain = ({ longest, odd, ends, bytes, sameButCase, sameButForm }: NamesThere): boolean =>
  longest <= SAFE && Object.keys(odd).length === 0 && ends + bytes + sameButCase + sameButForm === 0;

async function assertNamesHeld(
  { to, what, owner }: TreeDesired,
  there: NamesThere,
  { signal }: Context,
): Promise<void> {
  if (isPlain(there)) return;
  const options = asProcessUser(owner, signal);
  const work = join(to, `${PROOF_PREFIX}${what}-names`);
  const remove = (): Promise<unknown> => runCommand('rm', ['--recursive', '--force', '--', work], options);
  try {
    await remove();
    await runCommand('mkdir', ['--mode=700', '--', work], options);
    const [first, ...more] = unfitNames(there, await namesHeldIn(work, options));
    if (first === undefined) return;
    const others = more.length === 0 ? '' : `; also ${more.join('; ')}`;
    throw new RolloutError('SHARE_UNFIT', `${to} does not hold the names of the old ${what}: ${first}${others}`);
  } catch (error) {
    throw unworkable(to, owner.uid, error);
  } finally {
    if (!signal.aborted) await remove();
  }
}
