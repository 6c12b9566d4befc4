import { readFileSync } from 'node:fs';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Looks a local user up in `/etc/passwd`; throws when there is none of that name. */
export function findUser(name: string): SystemUser {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(`there is no user ${name} on this machine`);
}

/** Gives up root for good: afterwards this process is `user`, with no way back. */
export function becomeUser(user: SystemUser): void {
  if (process.getuid?.() !== 0 || user.uid === 0) return;
  process.setgroups?.([user.gid]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}
