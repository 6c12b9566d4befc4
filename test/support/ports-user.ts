import type { Platform } from '../../src/platform/platform.js';

/** Number of the user whose mail is held. */
export const UID = 1543;

/** A machine that knows the mail server's user and no other. */
export const farUsers = {
  find: (name: string) => Promise.resolve(name === 'icewarp' ? { name, uid: UID, gid: UID } : null),
} as Partial<Platform['users']> as Platform['users'];
