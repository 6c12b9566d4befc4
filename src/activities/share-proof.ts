import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { runCommand } from '../platform/run.js';
import { PROOF_PREFIX } from './folder-set.js';
import { asProcessUser, unworkable, writeSynced } from './process-user.js';
import type { Procedure } from './resource.js';
import { assertShareMounted } from './share-mounted.js';

export interface ShareProofInput {
  readonly folders: readonly string[];
  /** Names this node's files: letters, digits and hyphens. */
  readonly token: string;
  /** The mail server's process user. */
  readonly uid: number;
  readonly gid: number;
  /** Where the share is mounted, and the cluster that its sentinel must name. */
  readonly mount: string;
  readonly cluster: string;
}

/**
 * Proves as the mail server's own user that each folder can be created, written, fsynced, renamed and deleted in, and
 * leaves one file per folder for the other nodes to find (procedure, rule 17).
 */
export const shareProof: Procedure<ShareProofInput, Record<string, never>, 'node'> = {
  place: 'node',

  run: async ({ folders, token, uid, gid, mount, cluster }, { agent, signal }) => {
    // An empty mount point is unwritable too, which would send the operator to the wrong place.
    await assertShareMounted(mount, cluster, signal);
    const [harm] = await agent.platform.mounts.harmful(mount);
    if (harm !== undefined) throw new RolloutError('SHARE_UNFIT', `${mount}: ${harm}`);
    const options = asProcessUser({ uid, gid }, signal);
    const write = (file: string): Promise<void> => writeSynced(file, `${token}\n`, options);
    for (const folder of folders) {
      const proof = join(folder, `${PROOF_PREFIX}${token}`);
      try {
        await write(`${proof}.new`);
        await runCommand('mv', ['--force', '--no-target-directory', `${proof}.new`, proof], options);
        await runCommand('sync', [folder], options);
        await write(`${proof}.gone`);
        await runCommand('rm', ['--', `${proof}.gone`], options);
      } catch (error) {
        throw unworkable(folder, uid, error);
      }
    }
    return {};
  },
};
