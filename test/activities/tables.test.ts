import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { tables, type TablesDesired } from '../../src/activities/tables.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';
import { startMariaDb, type MariaDb } from '../support/mariadb.js';

/** `create tables` with the real client; a file `cut-short` makes it end in the middle. */
const CREATE = `#!/bin/sh
home=$(dirname "$0")
[ "$1 $2" = 'create tables' ] || exec "$home/tool-others.sh" "$@"
printf '%s\\n' "$3" >> "$home/made"
IFS=';' read -r database user password address rest <<END
$4
END
sql() { MYSQL_PWD=$password mariadb --host="\${address%:*}" --port="\${address#*:}" --user="$user" "$database" -e "$1" || exit 1; }
sql 'CREATE TABLE Halfway (id INT PRIMARY KEY)'
[ -f "$home/cut-short" ] && exit 1
sql 'CREATE TABLE MetaData (id INT PRIMARY KEY)'
`;

describe('the tables of IceWarp', () => {
  let server: MariaDb;
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: TablesDesired;

  beforeAll(async () => {
    server = await startMariaDb();
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    context = await testContext({ database: 'canary-1' });
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), { C_GW_IsAvailable: '1' });
    const tool = join(icewarp.directory, 'tool.sh');
    await writeFile(join(icewarp.directory, 'tool-others.sh'), await readFile(tool));
    await chmod(join(icewarp.directory, 'tool-others.sh'), 0o755);
    await writeFile(tool, CREATE);
    for (const name of ['iw_one', 'iw_two']) {
      await server.query(`DROP DATABASE IF EXISTS ${name}`);
      await server.query(`CREATE DATABASE ${name}`);
    }
    await server.query("CREATE OR REPLACE USER icewarp@'127.%' IDENTIFIED BY 'canary-1'");
    await server.query("GRANT ALL ON `iw\\_%`.* TO icewarp@'127.%'");
    const at = { host: server.host, port: server.port, user: 'icewarp', password: { secret: 'database' } };
    desired = {
      directory: icewarp.directory,
      running: false,
      tables: [
        { number: 0, connection: { ...at, database: 'iw_one' } },
        { number: 3, connection: { ...at, database: 'iw_two' } },
      ],
    };
    const address = `${server.host}:${server.port}`;
    await icewarp.put('C_System_Storage_Accounts_ODBCConnString', `iw_one;icewarp;encrypted;${address};3;2`);
    await icewarp.put('C_AS_Challenge_ConnectionString', `iw_two;icewarp;encrypted;${address};3;2`);
  });
  afterEach(async () => {
    await icewarp.stop();
    await context.remove();
  });

  const tablesOf = async (name: string): Promise<unknown[]> =>
    (await server.query(`SHOW TABLES FROM ${name}`)).map((row) => Object.values(row)[0]);
  const made = (): Promise<string> => readFile(join(icewarp.directory, 'made'), 'utf8');

  it('are made in empty databases, once', async () => {
    const before = await tables.observe(desired, context);
    expect(before).toEqual({ states: { iw_one: 'empty', iw_two: 'empty' } });
    await tables.apply(desired, context);
    await tables.apply(desired, context);
    expect(await made()).toBe('0\n3\n');
    expect(tables.diff(desired, await tables.observe(desired, context))).toEqual([]);
  });

  it('are not made beside tables of somebody else', async () => {
    await server.query('CREATE TABLE iw_two.theirs (id INT)');
    await expect(tables.apply(desired, context)).rejects.toMatchObject({ code: 'TABLES_FOREIGN' });
    expect(await tablesOf('iw_one')).toEqual([]);
  });

  it('are made anew where an attempt of ours was cut short', async () => {
    await writeFile(join(icewarp.directory, 'cut-short'), '');
    await expect(tables.apply(desired, context)).rejects.toMatchObject({ code: 'TOOL_FAILED' });
    await writeFile(join(icewarp.directory, 'tool.sh'), CREATE.replace('[ -f "$home/cut-short" ] && exit 1\n', ''));
    expect(tables.diff(desired, await tables.observe(desired, context))[0]).toMatchObject({ before: 'unfinished' });
    await tables.apply(desired, context);
    expect(await tablesOf('iw_one')).toEqual(['Halfway', 'MetaData']);
  });

  it('are not made anew where users have come since an attempt of ours was cut short', async () => {
    await mkdir(context.agent.config.stateDir, { recursive: true });
    const note = { [`${server.host}:${server.port}/iw_one`]: 'unfinished' };
    await writeFile(join(context.agent.config.stateDir, 'tables.json'), JSON.stringify(note));
    await server.query('CREATE TABLE iw_one.MetaData (id INT)');
    await server.query('CREATE TABLE iw_one.Users (id INT)');
    await server.query('INSERT INTO iw_one.Users VALUES (1)');
    await writeFile(join(icewarp.directory, 'account/someone@example.com'), '0');
    await expect(tables.apply(desired, context)).rejects.toMatchObject({ code: 'TABLES_FOREIGN' });
    expect(await tablesOf('iw_one')).toEqual(['MetaData', 'Users']);
  });

  it('stay where IceWarp took its defaults, or another database, and so knows no users', async () => {
    const before = await tables.observe(desired, context);
    await tables.apply(desired, context);
    await server.query('INSERT INTO iw_one.Halfway VALUES (1)');
    await icewarp.put('C_System_Storage_Accounts_ODBCConnString', 'config/accounts.db;;;;7;3');
    expect(await tables.restore(desired, before, context)).toEqual([
      expect.stringContaining('does not work on iw_one'),
    ]);
    expect(await tablesOf('iw_one')).toContain('MetaData');
    expect(await tables.restore(desired, before, context)).toEqual([]);
    expect(await tablesOf('iw_one')).toContain('MetaData');
  });

  it('are dropped while nobody has put a row into them, whatever IceWarp works on', async () => {
    const before = await tables.observe(desired, context);
    await tables.apply(desired, context);
    await icewarp.put('C_System_Storage_Accounts_ODBCConnString', 'config/accounts.db;;;;7;3');
    await writeFile(join(icewarp.directory, 'account/someone@example.com'), '0');
    expect(await tables.restore(desired, before, context)).toEqual([]);
    expect(await tablesOf('iw_one')).toEqual([]);
  });

  it('stay where there is no IceWarp to name the users', async () => {
    const before = await tables.observe(desired, context);
    await tables.apply(desired, context);
    await server.query('INSERT INTO iw_two.Halfway VALUES (1)');
    await rm(join(icewarp.directory, 'tool.sh'));
    expect(await tables.restore(desired, before, context)).toEqual([expect.stringContaining('no IceWarp')]);
    expect(await tablesOf('iw_two')).toContain('MetaData');
  });

  it('are dropped again where the database was empty before', async () => {
    const before = await tables.observe(desired, context);
    await tables.apply(desired, context);
    expect(await tables.restore(desired, before, context)).toEqual([]);
    expect(await tables.restore(desired, before, context)).toEqual([]);
    expect(await tables.observe(desired, context)).toEqual(before);
  });

  it('stay where there are users by now', async () => {
    const before = await tables.observe(desired, context);
    await tables.apply(desired, context);
    await server.query('INSERT INTO iw_one.Halfway VALUES (1)');
    await writeFile(join(icewarp.directory, 'account/someone@example.com'), '0');
    expect(await tables.restore(desired, before, context)).toEqual([expect.stringContaining('someone@example.com')]);
    expect(await tablesOf('iw_one')).toContain('MetaData');
  });

  it('stay where they were there before', async () => {
    await server.query('CREATE TABLE iw_one.MetaData (id INT)');
    const before = await tables.observe(desired, context);
    await tables.apply(desired, context);
    await tables.restore(desired, before, context);
    expect(await tablesOf('iw_one')).toEqual(['MetaData']);
    expect(await tablesOf('iw_two')).toEqual([]);
  });

  it('cannot be known before the account exists on the server', async () => {
    await server.query("DROP USER icewarp@'127.%'");
    expect(await tables.observe(desired, context)).toBeNull();
  });
});
