import { RolloutError } from '../cluster/errors.js';
import type { SecretRef } from '../cluster/schema.js';
import type { Secret } from '../platform/secret.js';
import { removeSambaAccount, sambaAccountExists, sambaLogonWorks, setSambaPassword } from '../platform/samba.js';
import type { ShareServer } from '../platform/samba.js';
import type { Context, Resource } from './resource.js';

/** Host and port: where the nodes, and the proof here, log on. */
export interface ShareAccountDesired extends ShareServer {
  readonly user: string;
  readonly password: SecretRef;
}

export interface ShareAccountObserved {
  readonly exists: boolean;
  /** Whether the secret opens it, by a real logon. */
  readonly opens: boolean;
}

/** The account with which every node reads and writes the share (G6). */
export const shareAccount: Resource<ShareAccountDesired, ShareAccountObserved, 'share'> = {
  place: 'share',
  observe,

  diff: ({ user }, observed) => {
    if (observed?.opens === true) return [];
    const before = observed?.exists === true ? 'another password' : 'absent';
    return [{ what: `share account ${user}`, before, after: 'opened by its secret' }];
  },

  apply: async (desired, context) => {
    const { exists, opens } = await observe(desired, context);
    if (opens) return;
    // An account that was there before has users of its own, whom a new password would lock out.
    if (exists && !(await context.vault.has())) {
      const found = `the share account ${desired.user} exists, with another password than the secret`;
      throw new RolloutError('SHARE_DENIED', `${found}: choose another user, or give the secret its password`);
    }
    await context.vault.keep(null);
    const password = await passwordOf(desired, context);
    await setSambaPassword(desired.user, password.reveal(), context.signal);
  },

  restore: async (desired, before, context) => {
    if (before?.exists === true) return [];
    const { exists, opens } = await observe(desired, context);
    if (!exists) return [];
    if (!opens) {
      const now = `the share account ${desired.user} has another password now`;
      throw new RolloutError('CHANGED_MEANWHILE', `${now}: neither ours nor absent as before`);
    }
    await removeSambaAccount(desired.user, context.signal);
    return [];
  },
};

async function observe(desired: ShareAccountDesired, context: Context): Promise<ShareAccountObserved> {
  if (!(await sambaAccountExists(desired.user, context.signal))) return { exists: false, opens: false };
  const password = await passwordOf(desired, context);
  return { exists: true, opens: await sambaLogonWorks(desired, desired.user, password.reveal(), context.signal) };
}

const passwordOf = ({ password }: ShareAccountDesired, { agent, signal }: Context): Promise<Secret> =>
  agent.secrets.resolve(password.secret, signal);
