import { RolloutError } from '../cluster/errors.js';
import { roomOnShare } from '../platform/share.js';
import { isCopyBegun } from './copy-shard.js';
import { observeOldMail, type OldMailDesired } from './old-mail.js';
import type { Procedure } from './resource.js';
import { assertShareMounted } from './share-mounted.js';

/**
 * Proves that the share has room for all of the old mail before the first file is copied (G15, G16). A copy that is
 * under way has taken some of the room already, and says itself when the rest is not enough.
 *
 * @throws RolloutError SHARE_FULL, SHARE_NOT_MOUNTED.
 */
export const roomForMail: Procedure<OldMailDesired, void, 'node'> = {
  place: 'node',
  async run(desired, context) {
    const { mount, cluster, what, to } = desired;
    const { agent, signal } = context;
    const found = await observeOldMail(desired, context);
    if (found === null || found.copied || found.files === 0) return;
    if (await isCopyBegun(what, agent.config.stateDir)) return;
    await assertShareMounted(mount, cluster, signal);
    const { files, bytes } = found;
    const room = await roomOnShare(to, signal);
    if (room.bytes >= bytes && (room.files === null || room.files >= files)) return;
    const takes = room.files === null ? '' : ` and ${room.files} files`;
    throw new RolloutError(
      'SHARE_FULL',
      `${to} takes only ${room.bytes} bytes${takes} more; the old ${what} has ${bytes} bytes and ${files} files`,
    );
  },
};
