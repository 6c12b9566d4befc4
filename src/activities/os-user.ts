import { RolloutError } from '../cluster/errors.js';
import type { Place } from '../cluster/names.js';
import type { OsGroup, OsUser } from '../platform/platform.js';
import type { Context, Resource } from './resource.js';

export type OsUserDesired = OsUser;
export type ShareUserDesired = OsUser;

export interface OsUserObserved {
  readonly user: OsUser | null;
  /** The group of the same name. */
  readonly group: OsGroup | null;
  /** Who has the numbers now. */
  readonly uidOf: string | null;
  readonly gidOf: string | null;
}

/** The mail server's user on a node (G9). */
export const osUser = userOn('node');

/** The user on the share server who owns the shared folders (G6). */
export const shareUser = userOn('share');

/** A user and its group with the same name and numbers on every machine (procedure, rule 17). */
function userOn<P extends Place>(place: P): Resource<OsUser, OsUserObserved, P> {
  return {
    place,
    observe,

    diff: (desired, observed) => {
      const before = observed?.user;
      const after = printed(desired);
      if (before?.uid === desired.uid && before.gid === desired.gid) return [];
      return [{ what: `user ${desired.name}`, before: before == null ? 'absent' : printed(before), after }];
    },

    apply: async (desired, context) => {
      const { users, groups } = context.agent.platform;
      const { user, group, uidOf, gidOf } = await observe(desired, context);
      if (user?.uid === desired.uid && user.gid === desired.gid) return;
      if (user !== null) throw conflict(`the user ${desired.name} has ${printed(user)}`, desired);
      if (uidOf !== null) throw conflict(`the user ${uidOf} has uid ${desired.uid}`, desired);
      if (group !== null && group.gid !== desired.gid) throw conflict(`its group has gid ${group.gid}`, desired);
      if (gidOf !== null && gidOf !== desired.name)
        throw conflict(`the group ${gidOf} has gid ${desired.gid}`, desired);
      const { name, gid } = desired;
      if (group === null) await groups.create({ name, gid }, context.signal);
      await users.create(desired, context.signal);
    },

    restore: async (desired, before, context) => {
      if (before?.user !== null) return [];
      const { users, groups } = context.agent.platform;
      const { user } = await observe(desired, context);
      if (user !== null && (user.uid !== desired.uid || user.gid !== desired.gid)) {
        const now = `the user ${user.name} has ${printed(user)} now`;
        throw new RolloutError('CHANGED_MEANWHILE', `${now}, neither ${printed(desired)} nor absent as before`);
      }
      if (user !== null) await users.remove(user.name, context.signal);
      // Removing a user may take the group of its name along, also one that was there before.
      const group = await groups.find(desired.name);
      if (before.group === null && group !== null) await groups.remove(group.name, context.signal);
      if (before.group !== null && group === null) await groups.create(before.group, context.signal);
      return [];
    },
  };
}

async function observe({ name, uid, gid }: OsUser, { agent: { platform } }: Context): Promise<OsUserObserved> {
  return {
    user: await platform.users.find(name),
    group: await platform.groups.find(name),
    uidOf: await platform.users.nameOf(uid),
    gidOf: await platform.groups.nameOf(gid),
  };
}

const printed = ({ uid, gid }: OsUser): string => `uid ${uid}, gid ${gid}`;

function conflict(found: string, desired: OsUser): RolloutError {
  return new RolloutError('USER_CONFLICT', `${found}; expected: ${desired.name} with ${printed(desired)}`);
}
