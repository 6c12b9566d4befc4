import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { database, dropScratch } from '../../src/activities/database.js';
import { databaseMove, type DatabaseMoveDesired } from '../../src/activities/database-move.js';
import { databaseRehearsal } from '../../src/activities/database-rehearsal.js';
import { noteOpened } from '../../src/activities/opened.js';
import { settings, type SettingsDesired } from '../../src/activities/settings.js';
import { tables, type TablesDesired } from '../../src/activities/tables.js';
import { ensureStarted, ensureStopped } from '../../src/icewarp/control.js';
import { sha256Of } from '../../src/platform/vault.js';
import { testContext, type TestContext } from '../support/context.js';
import { databaseIceWarp, OWN_DATABASES, type DatabaseIceWarp } from '../support/database-icewarp.js';
import { eventually } from '../support/eventually.js';
import { startMariaDb, type MariaDb } from '../support/mariadb.js';

const ACCOUNTS = 'C_System_Storage_Accounts_ODBCConnString';
const MOVER = join(import.meta.dirname, 'fixtures/move-databases.js');
const NAMES = { accounts: 'iw_accounts', groupware: 'iw_groupware', antispam: 'iw_antispam' } as const;
const NUMBERS = { accounts: 0, groupware: 2, antispam: 3 } as const;
const ROLES = ['accounts', 'groupware', 'antispam'] as const;
const USERS = `INSERT INTO Domains VALUES ('example.com', 'jane@example.com');
  INSERT INTO Users VALUES ('jane', 'example.com', 'canary-hash', 1), ('bob', 'example.com', 'x ', 0),
    ('zoë', 'example.com', '', NULL);`;

let server: MariaDb;
let context: TestContext;
let icewarp: DatabaseIceWarp;
let desired: DatabaseMoveDesired;

beforeAll(async () => {
  server = await startMariaDb();
});
afterAll(() => server.stop());

beforeEach(async () => {
  context = await testContext({ database: 'canary-1', administrator: server.administrator.password });
  icewarp = await databaseIceWarp(join(context.folder, 'icewarp'), { C_ConfigPath: 'config/' });
  icewarp.sqlite('config/accounts.db', USERS);
  icewarp.sqlite('calendar/groupware.db', "INSERT INTO Items VALUES (7, 'Grüße 🎈'), (8, NULL);");
  icewarp.sqlite('spam/antispam.db', "INSERT INTO Senders VALUES ('a@b', 1);");
  for (const name of [...Object.values(NAMES), 'iw_accounts_rehearsal']) {
    await server.query(`CREATE OR REPLACE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
  }
  await server.query("CREATE OR REPLACE USER icewarp@'127.%' IDENTIFIED BY 'canary-1'");
  await server.query("GRANT ALL ON `iw\\_%`.* TO icewarp@'127.%'");
  const { directory } = icewarp;
  desired = { directory, moves: ROLES.map((role) => ({ role, connection: connectionTo(NAMES[role]) })) };
});
afterEach(async () => {
  await icewarp.stop();
  await context.remove();
});

function connectionTo(name: string): DatabaseMoveDesired['moves'][number]['connection'] {
  return { host: server.host, port: server.port, database: name, user: 'icewarp', password: { secret: 'database' } };
}

const tablesFor = (): TablesDesired => ({
  directory: icewarp.directory,
  running: false,
  tables: ROLES.map((role) => ({ number: NUMBERS[role], connection: connectionTo(NAMES[role]) })),
});
const settingsFor = (): SettingsDesired => ({
  directory: icewarp.directory,
  moved: true,
  values: [
    { setting: 'accountsDatabase', connection: connectionTo(NAMES.accounts) },
    { setting: 'groupwareDatabase', connection: connectionTo(NAMES.groupware) },
    { setting: 'antispamDatabase', connection: connectionTo(NAMES.antispam) },
  ],
});
const makeTables = (): Promise<void> => tables.apply(tablesFor(), context);
const apply = (): Promise<void> => databaseMove.apply(desired, context);
const users = async (): Promise<string> =>
  (await server.query(`SELECT mailbox FROM ${NAMES.accounts}.Users ORDER BY mailbox`))
    .map(({ mailbox }) => String(mailbox))
    .join();

/** What the three files are, byte for byte. */
async function files(): Promise<string> {
  const each = Object.values(OWN_DATABASES).map(async (file) => sha256Of(await readFile(join(icewarp.directory, file))));
  return (await Promise.all(each)).join();
}

describe('the move of databases', () => {
  it('brings every row over, once, and writes to none of the files', async () => {
    const before = await files();
    await makeTables();
    const observed = await databaseMove.observe(desired, context);
    expect(databaseMove.diff(desired, observed).map(({ what, before: from }) => `${what}: ${from}`)).toEqual([
      'content of accounts: config/accounts.db',
      'content of groupware: calendar/groupware.db',
      'content of antispam: spam/antispam.db',
    ]);
    await apply();
    await apply();
    expect(databaseMove.diff(desired, await databaseMove.observe(desired, context))).toEqual([]);
    expect(await users()).toBe('bob,jane,zoë');
    expect(await server.query(`SELECT content FROM ${NAMES.groupware}.Items WHERE id = 7`)).toEqual([
      { content: 'Grüße 🎈' },
    ]);
    expect(await icewarp.migrations()).toHaveLength(3);
    expect(await files()).toBe(before);
  });

  it('shows no password, neither in what is recorded nor in arguments nor in what is left on the disk', async () => {
    await makeTables();
    await apply();
    const room = join(context.agent.config.stateDir, 'database-move');
    const left = await Promise.all((await readdir(room)).map((name) => readFile(join(room, name), 'utf8')));
    const shown = [await databaseMove.observe(desired, context), ...left];
    expect(JSON.stringify(shown)).not.toContain('canary');
  });

  it('is refused while services run, and nothing is changed', async () => {
    await makeTables();
    await ensureStarted(icewarp.directory, context.signal);
    await expect(apply()).rejects.toMatchObject({ code: 'SERVICES_RUNNING' });
    expect(await users()).toBe('');
  });

  it('goes into no tables but those that were made for it', async () => {
    await server.query(`CREATE TABLE ${NAMES.accounts}.MetaData (id INT)`);
    await expect(apply()).rejects.toMatchObject({ code: 'TABLES_FOREIGN' });
  });

  it('names the table and the key of a row that was lost, and what it was not given is in the way of no later try', async () => {
    await makeTables();
    await icewarp.faults({ lose: 'Users' });
    const refused = apply();
    await expect(refused).rejects.toMatchObject({ code: 'ROWS_DIFFER', retryable: false });
    await expect(refused).rejects.toThrow(/Users \(1 missing: (bob|jane|zoë), example\.com\)$/);
    await icewarp.faults({});
    await apply();
    expect(await users()).toBe('bob,jane,zoë');
  });

  it('lists keys that the server would take for one before anything is moved', async () => {
    await makeTables();
    icewarp.sqlite('config/accounts.db', "INSERT INTO Users VALUES ('JANE', 'example.com', '', 0);");
    const refused = apply();
    await expect(refused).rejects.toMatchObject({ code: 'KEYS_CLASH' });
    await expect(refused).rejects.toThrow(/Users \(1: (JANE|jane), example\.com\)/);
    expect(await icewarp.migrations()).toEqual([]);
  });

  it('says where IceWarp’s own log is when it fails, and how to go on where there is no such function', async () => {
    await makeTables();
    await icewarp.faults({ failAfter: 'Domains' });
    await expect(apply()).rejects.toMatchObject({ code: 'MIGRATION_FAILED', next: expect.stringContaining('by hand') });
    await rm(join(icewarp.directory, 'html/_shared/api/api.php'));
    await expect(apply()).rejects.toMatchObject({ code: 'MIGRATION_UNKNOWN' });
  });

  it('takes what was moved by hand for moved, when it is the same', async () => {
    await makeTables();
    await rm(join(icewarp.directory, 'html/_shared/api/api.php'));
    await server.query(`INSERT INTO ${NAMES.accounts}.Domains VALUES ('example.com', 'jane@example.com')`);
    await server.query(`INSERT INTO ${NAMES.accounts}.Users VALUES ('jane', 'example.com', 'canary-hash', 1),
      ('bob', 'example.com', 'x', 0), ('zoë', 'example.com', NULL, NULL)`);
    const [accounts] = desired.moves;
    await databaseMove.apply({ ...desired, moves: accounts === undefined ? [] : [accounts] }, context);
    expect(await icewarp.migrations()).toEqual([]);
  });

  it('goes on after a kill in the middle, with the same result', async () => {
    await makeTables();
    const hang = join(icewarp.directory, 'hang');
    await writeFile(hang, '');
    const args = [JSON.stringify(desired), context.agent.config.stateDir, join(context.folder, 'secrets/database')];
    const mover = spawn(process.execPath, [MOVER, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    await eventually('rows have arrived', async () => (await users()) !== '');
    mover.kill('SIGKILL');
    await once(mover, 'exit');
    await rm(hang);
    await apply();
    expect(await users()).toBe('bob,jane,zoë');
    const again = spawn(process.execPath, [MOVER, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    expect(await text(again.stdout)).toBe('');
  });
});

describe('the switch to databases that were moved', () => {
  it('is refused until all is in them, and after something came in since', async () => {
    await writeFile(join(icewarp.directory, 'account/jane@example.com'), '1');
    await makeTables();
    await expect(settings.apply(settingsFor(), context)).rejects.toMatchObject({ code: 'ACCOUNTS_PRESENT' });
    await apply();
    icewarp.sqlite('config/accounts.db', "INSERT INTO Users VALUES ('late', 'example.com', '', 0);");
    await expect(settings.apply(settingsFor(), context)).rejects.toThrow('has changed since');
    await apply();
    await settings.apply(settingsFor(), context);
    expect(await users()).toBe('bob,jane,late,zoë');
    expect(databaseMove.diff(desired, await databaseMove.observe(desired, context))).toEqual([]);
  });
});

describe('the way back of a move', () => {
  /** All steps of it, each with its own vault. */
  async function moveAndSwitch(): Promise<() => Promise<readonly string[]>> {
    const [first, then, last] = ['tables', 'move', 'settings'].map((step) => ({
      ...context,
      vault: context.agent.vault.slot(step),
    })) as [TestContext, TestContext, TestContext];
    const before = {
      tables: await tables.observe(tablesFor(), first),
      move: await databaseMove.observe(desired, then),
      settings: await settings.observe(settingsFor(), last),
    };
    await tables.apply(tablesFor(), first);
    await databaseMove.apply(desired, then);
    await settings.apply(settingsFor(), last);
    return async () => [
      ...(await settings.restore(settingsFor(), before.settings, last)),
      ...(await databaseMove.restore(desired, before.move, then)),
      ...(await tables.restore(tablesFor(), before.tables, first)),
    ];
  }
  const string = (): Promise<string> => icewarp.value(ACCOUNTS);

  it('before users came leaves no table of ours, and the old files and strings as they were', async () => {
    const before = await files();
    const back = await moveAndSwitch();
    await writeFile(join(icewarp.directory, 'account/jane@example.com'), '1');
    expect(await back()).toEqual([]);
    expect(await back()).toEqual([]);
    for (const name of Object.values(NAMES)) expect(await server.query(`SHOW TABLES FROM ${name}`)).toEqual([]);
    expect([await files(), await string()]).toEqual([before, 'config/accounts.db;;;;7;3']);
  });

  it('after that brings along what users changed, in a new file beside the old one', async () => {
    const before = await files();
    const back = await moveAndSwitch();
    await noteOpened(context.agent, 'databases', true);
    await server.query(`UPDATE ${NAMES.accounts}.Users SET password = 'new' WHERE mailbox = 'jane'`);
    await server.query(`DELETE FROM ${NAMES.accounts}.Users WHERE mailbox = 'bob'`);
    await server.query(`INSERT INTO ${NAMES.accounts}.Users VALUES ('late', 'example.com', 'x', 0)`);
    expect(await back()).toContain(
      `iw_accounts stays as users left it; accounts is in ${icewarp.directory}/config/accounts-back-1.db again`,
    );
    expect(await string()).toBe('config/accounts-back-1.db;;;;7;3');
    expect(await icewarp.value('C_GW_ConnectionString')).toBe('calendar/groupware.db;;;;7;3');
    const found = icewarp.sqlite('config/accounts-back-1.db', 'SELECT mailbox, password FROM Users ORDER BY mailbox');
    expect(found).toBe('jane|new\nlate|x\nzoë|\n');
    expect(icewarp.sqlite('config/accounts-back-1.db', 'SELECT count(*) FROM MetaData')).toBe('1\n');
    expect(await files()).toBe(before);
    expect(await users()).toBe('jane,late,zoë');
  });

  it('that fails is held with what would be lost; cut short, it begins anew', async () => {
    const back = await moveAndSwitch();
    await noteOpened(context.agent, 'databases', true);
    await server.query(`UPDATE ${NAMES.accounts}.Users SET admin = 1 WHERE mailbox = 'bob'`);
    await icewarp.faults({ lose: 'Users' });
    const held = back();
    await expect(held).rejects.toMatchObject({ code: 'CHANGES_LOST', next: expect.stringContaining('skip') });
    await expect(held).rejects.toThrow('config/accounts.db would be lost: Users (1 changed: bob, example.com)');
    expect(await string()).toBe('config/accounts.db;;;;7;3');
    await icewarp.faults({});
    await back();
    const names = (await readdir(join(icewarp.directory, 'config'))).sort();
    expect(names).toEqual(['accounts-back-1.db', 'accounts.db']);
  });

  it('is held where somebody has worked on the old file meanwhile, and stays where the switch was not taken back', async () => {
    const back = await moveAndSwitch();
    await noteOpened(context.agent, 'databases', true);
    icewarp.sqlite('config/accounts.db', "INSERT INTO Users VALUES ('late', 'example.com', '', 0);");
    await expect(back()).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
    await settings.apply({ ...settingsFor(), moved: true, values: [] }, context);
    for (const [name, role] of Object.entries({ [ACCOUNTS]: NAMES.accounts })) {
      await icewarp.put(name, `${role};icewarp;x;${server.host}:${server.port};3;2`);
    }
    expect(await databaseMove.restore(desired, null, context)).toContain(
      'the content of accounts stays in iw_accounts: IceWarp works on it',
    );
    expect(await users()).toBe('bob,jane,zoë');
  });
});

describe('the rehearsal of a move', () => {
  const scratch = 'iw_accounts_rehearsal';
  const input = (): Parameters<typeof databaseRehearsal.run>[0] => ({
    directory: icewarp.directory,
    cluster: 'test',
    roles: [{ role: 'accounts', connection: connectionTo(scratch) }],
  });
  const administrator = (): Parameters<typeof dropScratch.run>[0] => {
    const { host, port, administrator: login } = server;
    const password = { secret: 'administrator' };
    return { host, port, administrator: { user: login.user, password }, names: [scratch], scratchOf: 'test' };
  };

  it('moves a copy while services run and somebody writes, says how long it takes, and leaves nothing', async () => {
    icewarp.sqlite('config/accounts.db', 'PRAGMA journal_mode = WAL;');
    await ensureStarted(icewarp.directory, context.signal);
    const done = await databaseRehearsal.run(input(), context);
    expect(done).toMatchObject({ rows: 4, perRole: [{ role: 'accounts', rows: 4 }] });
    expect(done.seconds).toBeGreaterThan(0);
    expect(await server.query(`SHOW TABLES FROM ${scratch}`)).toEqual([]);
    expect((await readdir(join(icewarp.directory, 'config'))).sort()[0]).toBe('accounts.db');
    await ensureStopped(icewarp.directory, context.signal);
  });

  it('that was cut short goes on where it was, and what it left can be dropped: nothing else can', async () => {
    await icewarp.faults({ failAfter: 'Users' });
    await expect(databaseRehearsal.run(input(), context)).rejects.toMatchObject({ code: 'MIGRATION_FAILED' });
    await icewarp.faults({});
    expect((await databaseRehearsal.run(input(), context)).rows).toBe(4);
    await icewarp.faults({ failAfter: 'Users' });
    await expect(databaseRehearsal.run(input(), context)).rejects.toMatchObject({ code: 'MIGRATION_FAILED' });
    const other = { ...administrator(), scratchOf: 'another' };
    expect(await dropScratch.run(other, context)).toEqual({ kept: [scratch] });
    const { names: _, ...at } = administrator();
    const step = { ...at, name: scratch };
    expect(await database.restore({ ...step, scratchOf: 'another' }, { database: null }, context)).toHaveLength(1);
    expect(await database.restore(step, { database: null }, context)).toEqual([]);
    expect(await dropScratch.run(administrator(), context)).toEqual({ kept: [] });
  });

  it('never goes into a database that holds something else', async () => {
    await server.query(`CREATE TABLE ${scratch}.theirs (id INT)`);
    await expect(databaseRehearsal.run(input(), context)).rejects.toMatchObject({ code: 'TABLES_FOREIGN' });
  });

  it('copies what is in no file yet', async () => {
    const copy = join(context.folder, 'copied.db');
    await copyFile(join(icewarp.directory, 'config/accounts.db'), copy);
    expect((await stat(copy)).size).toBeGreaterThan(0);
  });
});
