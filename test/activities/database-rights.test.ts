import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { database } from '../../src/activities/database.js';
import { databasePreflight } from '../../src/activities/database-preflight.js';
import { databaseUser } from '../../src/activities/database-user.js';
import type { DatabaseUserDesired } from '../../src/activities/database-user.js';
import { mysqlReader } from '../../src/activities/row-readers.js';
import { identifier, withDatabase } from '../../src/platform/mysql.js';
import { testContext, type TestContext } from '../support/context.js';
import { accessTo, startMariaDb, type MariaDb } from '../support/mariadb.js';

const NODE = '127.77.0.11';
const OTHER_NODE = '127.77.0.12';
const SECRET = 'p\'"`\\ %_?$(id)';

let server: MariaDb;
let context: TestContext;

beforeAll(async () => {
  server = await startMariaDb();
});
afterAll(() => server.stop());
beforeEach(async () => {
  context = await testContext({ administrator: server.administrator.password, icewarp: SECRET });
});
afterEach(() => context.remove());

const account = (user: string, databases: readonly string[]): DatabaseUserDesired => ({
  ...accessTo(server),
  ...{ user, from: NODE, password: { secret: 'icewarp' }, databases },
});

/** What a statement of that account comes to from that address: its rows, or the code of our error. */
async function ask(user: string, from: string, sql: string, values: readonly string[] = []): Promise<unknown> {
  const login = { host: server.host, port: server.port, user, password: SECRET, from };
  try {
    return await withDatabase(login, context.signal, (open) => open.rows(sql, values));
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

describe('the account of a node', () => {
  const databases = ['iw_accounts', 'iw_groupware'];

  beforeEach(async () => {
    for (const name of databases) await database.apply({ ...accessTo(server), name }, context);
    await server.query('CREATE DATABASE IF NOT EXISTS of_others');
    await server.query('CREATE TABLE IF NOT EXISTS of_others.t (id INT)');
    await databaseUser.apply(account('icewarp', databases), context);
  });

  it('works on the product’s databases, from the node’s address', async () => {
    expect(await ask('icewarp', NODE, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await ask('icewarp', NODE, 'CREATE TABLE iw_accounts.t (id INT)');
    expect(await ask('icewarp', NODE, 'SELECT COUNT(*) AS n FROM iw_accounts.t')).toEqual([{ n: 0 }]);
  });

  it('is none from another address, not even from that of another node', async () => {
    expect(await ask('icewarp', OTHER_NODE, 'SELECT 1')).toBe('DATABASE_DENIED');
  });

  it.each([
    'SELECT * FROM of_others.t',
    'DROP DATABASE of_others',
    'CREATE DATABASE iw_more',
    'CREATE DATABASE iwXaccounts',
    'SELECT User FROM mysql.user',
    "CREATE USER 'friend'@'%' IDENTIFIED BY 'x'",
    "GRANT ALL ON *.* TO 'icewarp'@'127.77.0.11'",
    "GRANT SELECT ON iw_accounts.* TO 'icewarp'@'127.77.0.11'",
    'SET GLOBAL max_connections = 1',
    "SELECT 1 INTO OUTFILE '/tmp/icewarp-rollout-written'",
    'SHUTDOWN',
  ])('may not: %s', async (sql) => {
    expect(await ask('icewarp', NODE, sql)).toMatch(/^DATABASE_(DENIED|FAILED)$/);
  });

  it('reads no file of the server’s, and sees no database but its own', async () => {
    expect(await ask('icewarp', NODE, "SELECT LOAD_FILE('/etc/passwd') AS content")).toEqual([{ content: null }]);
    const seen = (await ask('icewarp', NODE, 'SHOW DATABASES')) as { Database: string }[];
    expect(seen.map((row) => row.Database).sort()).toEqual(['information_schema', ...databases]);
  });
});

/** Names that would be another statement where they are not kept in their quotes; the schema refuses each before. */
const NAMES = [
  'a`b',
  "a'b",
  'a"b',
  'a b; DROP DATABASE of_others -- x',
  'a`; DROP DATABASE of_others; -- x',
  'a\\',
  '?',
  '%',
  'ä_',
];

describe('names in statements', () => {
  it.each(NAMES)('are names and nothing else: %j', async (name) => {
    await server.query('CREATE DATABASE IF NOT EXISTS of_others');
    const wanted = { ...accessTo(server), name };
    const before = await database.observe(wanted, context);
    await database.apply(wanted, context);
    expect(database.diff(wanted, await database.observe(wanted, context))).toEqual([]);
    const user = account(name, [name]);
    const was = await databaseUser.observe(user, context);
    await databaseUser.apply(user, context);
    expect(await ask(name, NODE, 'SELECT CURRENT_USER() AS me')).toEqual([{ me: `${name}@${NODE}` }]);
    expect(await ask(name, NODE, 'SELECT ? AS value', [name])).toEqual([{ value: name }]);
    await ask(name, NODE, `CREATE TABLE ${identifier(name)}.${identifier(name)} (${identifier(name)} TEXT)`);
    const login = { host: server.host, port: server.port, user: name, password: SECRET, from: NODE, database: name };
    const reader = mysqlReader((work) => withDatabase(login, context.signal, work));
    const tables = await reader.tables();
    expect(tables.map((table) => [table.name, table.columns.map((column) => column.name)])).toEqual([[name, [name]]]);
    await reader.each(name, [name], () => undefined);
    await databaseUser.restore(user, was, context);
    await server.query(`DROP DATABASE ${identifier(name)}`);
    expect(await database.restore(wanted, before, context)).toEqual([]);
    expect(await server.query("SHOW DATABASES LIKE 'of\\_others'")).toHaveLength(1);
  });
});

describe('the administrator', () => {
  const small = { user: 'small', password: SECRET };
  const asSmall = (): Pick<DatabaseUserDesired, 'host' | 'port' | 'administrator'> => ({
    ...accessTo(server),
    administrator: { user: small.user, password: { secret: 'icewarp' } },
  });

  it('that may do everything is told, and one that has what is needed suffices', async () => {
    const wanted = ['iw_accounts', 'iw_groupware'];
    const look = { user: 'icewarp', databases: wanted };
    expect(await databasePreflight.run({ ...accessTo(server), ...look }, context)).toMatchObject({
      powers: ['ALL PRIVILEGES'],
    });
    for (const name of wanted) await server.query(`DROP DATABASE IF EXISTS ${name}`);
    await server.query(`DROP USER IF EXISTS 'icewarp'@'${NODE}'`);
    await server.query(`CREATE USER 'small'@'127.%'`);
    await withDatabase({ host: server.host, port: server.port, ...server.administrator }, context.signal, (open) =>
      open.run("SET PASSWORD FOR 'small'@'127.%' = PASSWORD(?)", [SECRET]),
    );
    await server.query("GRANT CREATE USER ON *.* TO 'small'@'127.%'");
    await server.query("GRANT SELECT ON mysql.* TO 'small'@'127.%'");
    await server.query("GRANT ALL ON `iw\\_%`.* TO 'small'@'127.%' WITH GRANT OPTION");
    expect(await databasePreflight.run({ ...asSmall(), ...look }, context)).toMatchObject({
      powers: [],
      databases: [],
    });
    for (const name of wanted) await database.apply({ ...asSmall(), name }, context);
    const user = { ...account('icewarp', wanted), ...asSmall() };
    const before = await databaseUser.observe(user, context);
    await databaseUser.apply(user, context);
    expect(databaseUser.diff(user, await databaseUser.observe(user, context))).toEqual([]);
    expect(await ask('icewarp', NODE, 'CREATE TABLE iw_accounts.t (id INT)')).toMatchObject({ affectedRows: 0 });
    await databaseUser.restore(user, before, context);
    expect(await ask('icewarp', NODE, 'SELECT 1')).toBe('DATABASE_DENIED');
  });
});
