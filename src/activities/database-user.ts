import { RolloutError } from '../cluster/errors.js';
import { META_DATA } from '../icewarp/variables.js';
import type { SecretRef } from '../cluster/schema.js';
import type { Database } from '../platform/mysql.js';
import { accountExists, ALL, grantAll, grantsOf, regrant } from '../platform/mysql-grants.js';
import { asAdministrator } from './database-server.js';
import type { DatabaseServer } from './database-server.js';
import type { Resource } from './resource.js';

export interface DatabaseUserDesired extends DatabaseServer {
  readonly user: string;
  /** The node's address, the only one from which this account logs on. */
  readonly from: string;
  readonly password: SecretRef;
  readonly databases: readonly string[];
}

export interface DatabaseUserObserved {
  readonly exists: boolean;
  /** Privileges per database, in the server's words; '' for none. */
  readonly grants: Readonly<Record<string, string>>;
}

/** One node's account: everything on each database, from this node's address only (G5, B1). */
export const databaseUser: Resource<DatabaseUserDesired, DatabaseUserObserved, 'control'> = {
  place: 'control',

  observe: (desired, context) => asAdministrator(desired, context, (server) => look(server, desired)),

  diff: ({ user, from, databases }, observed) => {
    const account = `database user ${user} from ${from}`;
    const missing = databases.filter((name) => !holdsAll(observed?.grants[name]));
    return [
      ...(observed?.exists === true ? [] : [{ what: account, before: 'absent', after: 'made, with its secret' }]),
      ...missing.map((name) => ({
        what: `rights of ${account} on ${name}`,
        before: observed?.grants[name] || 'none',
        after: 'all',
      })),
    ];
  },

  apply: async (desired, context) => {
    const { user, from } = desired;
    const password = await context.agent.secrets.resolve(desired.password.secret, context.signal);
    await asAdministrator(desired, context, async (server) => {
      // Leaves the password of an existing account as it is: somebody else may use it.
      await server.run('CREATE USER IF NOT EXISTS ?@? IDENTIFIED BY ?', [user, from, password.reveal()]);
      const { on } = await grantsOf(server, desired, desired.databases);
      for (const name of desired.databases) if (!holdsAll(on[name])) await grantAll(server, desired, name);
    });
  },

  restore: (desired, before, context) =>
    asAdministrator(desired, context, async (server) => {
      const { user, from, databases } = desired;
      const account = `the database user ${user} from ${from}`;
      if (!(await accountExists(server, desired))) {
        if (before?.exists !== true) return [];
        throw new RolloutError('CHANGED_MEANWHILE', `${account} is gone: it was there before`);
      }
      const now = await grantsOf(server, desired, databases);
      const kept: string[] = [];
      for (const name of databases) {
        const current = now.on[name] ?? '';
        const former = before?.grants[name] ?? '';
        if (current === former) continue;
        if (current !== ALL && current !== '') {
          const was = former || 'nothing';
          throw new RolloutError('CHANGED_MEANWHILE', `${account} may ${current} on ${name}; it might ${was} before`);
        }
        if (former === '' && (await holdsIceWarp(server, name))) {
          kept.push(`the rights of ${account} on ${name} stay: IceWarp’s tables are in it`);
        } else await regrant(server, desired, name, former);
      }
      if (before?.exists === true || kept.length > 0) return kept;
      if (now.others > 0) return [`${account} stays: it has other rights than those of this cluster`];
      await server.run('DROP USER IF EXISTS ?@?', [user, from]);
      return [];
    }),
};

async function look(server: Database, desired: DatabaseUserDesired): Promise<DatabaseUserObserved> {
  if (!(await accountExists(server, desired))) return { exists: false, grants: {} };
  const { on } = await grantsOf(server, desired, desired.databases);
  return { exists: true, grants: on };
}

/** Whether the way back has left IceWarp's tables in a database: users are in them, and IceWarp may still work on it. */
async function holdsIceWarp(server: Database, name: string): Promise<boolean> {
  const found = await server.rows(
    'SELECT 1 AS found FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND LOWER(TABLE_NAME) = ?',
    [name, META_DATA],
  );
  return found.length > 0;
}

const holdsAll = (privileges: string | undefined): boolean => privileges?.startsWith(ALL) ?? false;
