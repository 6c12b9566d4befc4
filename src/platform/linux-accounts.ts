import { readFile } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import type { OsGroup, OsUser, Platform } from './platform.js';
import { runCommand } from './run.js';

/** userdel: processes still run as the user. */
const USER_BUSY = 8;

/** Accounts of /etc/passwd, by the commands of the `passwd` package. */
export const linuxUsers: Platform['users'] = {
  find: async (name) => (await users()).find((user) => user.name === name) ?? null,
  nameOf: async (uid) => (await users()).find((user) => user.uid === uid)?.name ?? null,

  create: async ({ name, uid, gid }, signal) => {
    const home = ['--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin'];
    // A system user: no range of subordinate numbers, no password ageing, nothing to take away again but its line.
    await runCommand('useradd', ['--system', '--uid', `${uid}`, '--gid', `${gid}`, ...home, name], { signal });
  },

  remove: async (name, signal) => {
    const { exitCode } = await runCommand('userdel', [name], { signal, accept: [0, USER_BUSY] });
    if (exitCode === USER_BUSY) {
      throw new RolloutError('USER_CONFLICT', `processes still run as ${name}: it cannot be removed before they end`);
    }
  },
};

/** Groups of /etc/group. */
export const linuxGroups: Platform['groups'] = {
  find: async (name) => (await groups()).find((group) => group.name === name) ?? null,
  nameOf: async (gid) => (await groups()).find((group) => group.gid === gid)?.name ?? null,
  create: async ({ name, gid }, signal) => {
    await runCommand('groupadd', ['--system', '--gid', `${gid}`, name], { signal });
  },
  remove: async (name, signal) => {
    await runCommand('groupdel', [name], { signal });
  },
};

async function users(): Promise<OsUser[]> {
  const entries = await entriesOf('/etc/passwd');
  return entries.map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}

async function groups(): Promise<OsGroup[]> {
  const entries = await entriesOf('/etc/group');
  return entries.map(([name = '', , gid]) => ({ name, gid: Number(gid) }));
}

async function entriesOf(file: string): Promise<string[][]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  return lines.filter((line) => line !== '').map((line) => line.split(':'));
}
