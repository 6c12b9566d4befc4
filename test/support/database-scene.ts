import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';

import { databaseMove, type DatabaseMoveDesired } from '../../src/activities/database-move.js';
import type { ConnectionSpec } from '../../src/activities/node-database.js';
import type { SettingsDesired } from '../../src/activities/settings.js';
import type { TablesDesired } from '../../src/activities/tables.js';
import type { MovedRole } from '../../src/icewarp/database-roles.js';
import { sha256Of } from '../../src/platform/vault.js';
import { testContext, type TestContext } from './context.js';
import { databaseIceWarp, OWN_DATABASES, type DatabaseIceWarp } from './database-icewarp.js';
import { startMariaDb, type MariaDb } from './mariadb.js';

/** The databases of the cluster, and one for rehearsals. */
export const NAMES = { accounts: 'iw_accounts', groupware: 'iw_groupware', antispam: 'iw_antispam' } as const;
export const SCRATCH = 'iw_accounts_rehearsal';

const NUMBERS = { accounts: 0, groupware: 2, antispam: 3 } as const;
const SETTINGS = {
  accounts: 'accountsDatabase',
  groupware: 'groupwareDatabase',
  antispam: 'antispamDatabase',
} as const;
const USERS = `INSERT INTO Domains VALUES ('example.com', 'jane@example.com');
  INSERT INTO Users (mailbox, domain, password, admin) VALUES ('jane', 'example.com', 'canary-hash', 1), ('bob', 'example.com', 'x ', 0),
    ('zoë', 'example.com', '', NULL);`;

/** A server whose databases are files with rows, and empty ones on a database server. */
export interface DatabaseScene {
  readonly context: TestContext;
  readonly icewarp: DatabaseIceWarp;
  connectionTo(name: string): ConnectionSpec;
  /** What is desired of the steps that move these databases. */
  desired(...roles: readonly MovedRole[]): DatabaseMoveDesired;
  tables(...roles: readonly MovedRole[]): TablesDesired;
  settings(...roles: readonly MovedRole[]): SettingsDesired;
  move(desired: DatabaseMoveDesired): Promise<void>;
  /** Mailboxes in the accounts database of the cluster. */
  users(): Promise<string>;
  /** What the files are, byte for byte. */
  files(): Promise<string>;
  remove(): Promise<void>;
}

export let server: MariaDb;
/** Of the running test. */
export let scene: DatabaseScene;

/** A database server for the tests of a file, and a new scene for each of them. */
export function useDatabases(): void {
  beforeAll(async () => {
    server = await startMariaDb();
  });
  beforeEach(async () => {
    scene = await databaseScene();
  });
  afterEach(() => scene.remove());
  afterAll(() => server.stop());
}

async function databaseScene(): Promise<DatabaseScene> {
  const context = await testContext({ database: 'canary-1', administrator: server.administrator.password });
  const icewarp = await databaseIceWarp(join(context.folder, 'icewarp'), { C_ConfigPath: 'config/' });
  icewarp.sqlite('config/accounts.db', USERS);
  icewarp.sqlite('calendar/groupware.db', "INSERT INTO Items VALUES (7, 'Grüße 🎈'), (8, NULL);");
  icewarp.sqlite('spam/antispam.db', "INSERT INTO Senders VALUES ('a@b', 1);");
  for (const name of [...Object.values(NAMES), SCRATCH]) {
    await server.query(`CREATE OR REPLACE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
  }
  await server.query("CREATE OR REPLACE USER icewarp@'127.%' IDENTIFIED BY 'canary-1'");
  await server.query("GRANT ALL ON `iw\\_%`.* TO icewarp@'127.%'");
  const { directory } = icewarp;
  const { host, port } = server;
  const connectionTo = (database: string): ConnectionSpec => {
    return { host, port, database, user: 'icewarp', password: { secret: 'database' } };
  };
  const connection = (role: MovedRole): ConnectionSpec => connectionTo(NAMES[role]);
  return {
    context,
    icewarp,
    connectionTo,
    desired: (...roles) => ({ directory, moves: roles.map((role) => ({ role, connection: connection(role) })) }),
    tables: (...roles) => {
      const each = roles.map((role) => ({ number: NUMBERS[role], connection: connection(role) }));
      return { directory, running: false, tables: each };
    },
    settings: (...roles) => {
      const values = roles.map((role) => ({ setting: SETTINGS[role], connection: connection(role) }));
      return { directory, moved: true, values };
    },
    move: (desired) => databaseMove.apply(desired, context),
    users: async () => {
      const rows = await server.query(`SELECT mailbox FROM ${NAMES.accounts}.Users ORDER BY mailbox`);
      return rows.map(({ mailbox }) => String(mailbox)).join();
    },
    files: async () => {
      const bytes = Object.values(OWN_DATABASES).map((file) => readFile(join(directory, file)));
      return (await Promise.all(bytes)).map((content) => sha256Of(content)).join();
    },
    remove: async () => {
      await icewarp.stop();
      await context.remove();
    },
  };
}
