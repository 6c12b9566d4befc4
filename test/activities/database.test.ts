import { inspect } from 'node:util';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { database } from '../../src/activities/database.js';
import type { DatabaseDesired } from '../../src/activities/database.js';
import { databaseLogin } from '../../src/activities/database-login.js';
import { databaseUser } from '../../src/activities/database-user.js';
import type { DatabaseUserDesired } from '../../src/activities/database-user.js';
import { freePort } from '../../src/lab/ports.js';
import { withDatabase } from '../../src/platform/mysql.js';
import { runActivity } from '../support/activity.js';
import { testContext } from '../support/context.js';
import type { TestContext } from '../support/context.js';
import { eventually } from '../support/eventually.js';
import { garblingRelay } from '../support/garbling-relay.js';
import { accessTo, startMariaDb } from '../support/mariadb.js';
import type { MariaDb } from '../support/mariadb.js';

const NODE = '127.77.0.11';
const STRANGER = '127.77.0.12';
const SECRET = 's3cret\'\\"-of-the-user';

let server: MariaDb;
let context: TestContext;

beforeAll(async () => {
  server = await startMariaDb();
});
afterAll(() => server.stop());

beforeEach(async () => {
  context = await testContext({ administrator: server.administrator.password, icewarp: SECRET, wrong: 'wrong' });
});
afterEach(async () => {
  const rows = await server.query("SHOW DATABASES LIKE 'iw%'");
  for (const row of rows) await server.query(`DROP DATABASE \`${String(Object.values(row)[0])}\``);
  const users = await server.query("SELECT User AS user, Host AS host FROM mysql.user WHERE User LIKE 'icewarp%'");
  for (const { user, host } of users) await server.query(`DROP USER '${String(user)}'@'${String(host)}'`);
  await context.remove();
});

const accounts = (): DatabaseDesired => ({ ...accessTo(server), name: 'iw_accounts', collation: 'utf8mb4_unicode_ci' });
const user = (): DatabaseUserDesired => ({
  ...accessTo(server),
  user: 'icewarp',
  from: NODE,
  password: { secret: 'icewarp' },
  databases: ['iw_accounts', 'iw_groupware'],
});

const charset = async (name: string): Promise<unknown> =>
  (
    await server.query(
      `SELECT DEFAULT_COLLATION_NAME AS c FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '${name}'`,
    )
  )[0]?.['c'];

describe('database', () => {
  it('is made in utf8mb4, then nothing is left to do, and going back drops it', async () => {
    const before = await database.observe(accounts(), context);
    expect(database.diff(accounts(), before)).toEqual([
      { what: 'database iw_accounts', before: 'absent', after: 'utf8mb4, utf8mb4_unicode_ci' },
    ]);
    await database.apply(accounts(), context);
    await database.apply(accounts(), context);
    expect(database.diff(accounts(), await database.observe(accounts(), context))).toEqual([]);
    expect(await charset('iw_accounts')).toBe('utf8mb4_unicode_ci');
    expect(await database.restore(accounts(), before, context)).toEqual([]);
    expect(await database.restore(accounts(), before, context)).toEqual([]);
    expect(await charset('iw_accounts')).toBeUndefined();
  });

  it('is kept by going back as soon as it holds a table', async () => {
    const before = await database.observe(accounts(), context);
    await database.apply(accounts(), context);
    await server.query('CREATE TABLE iw_accounts.Users (id INT)');
    expect(await database.restore(accounts(), before, context)).toEqual([
      'the database iw_accounts stays: it holds 1 tables or views',
    ]);
    expect(await charset('iw_accounts')).toBeDefined();
  });

  it('gets its former character set back when it was there before', async () => {
    await server.query('CREATE DATABASE iw_accounts CHARACTER SET latin1');
    const before = await database.observe(accounts(), context);
    await database.apply(accounts(), context);
    expect(await charset('iw_accounts')).toBe('utf8mb4_unicode_ci');
    expect(await database.restore(accounts(), before, context)).toEqual([]);
    expect(await charset('iw_accounts')).toBe('latin1_swedish_ci');
  });

  it('that somebody changed meanwhile is left alone with a word', async () => {
    await server.query('CREATE DATABASE iw_accounts CHARACTER SET latin1');
    const before = await database.observe(accounts(), context);
    await database.apply(accounts(), context);
    await server.query('ALTER DATABASE iw_accounts CHARACTER SET ascii');
    await expect(database.restore(accounts(), before, context)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
  });

  it('is told apart from one whose name differs by case', async () => {
    await server.query('CREATE DATABASE IW_ACCOUNTS');
    expect(await database.observe(accounts(), context)).toEqual({ database: null });
  });
});

describe('databaseUser', () => {
  beforeEach(async () => {
    await server.query('CREATE DATABASE iw_accounts');
    await server.query('CREATE DATABASE iw_groupware');
  });

  const login = (from: string, databases = user().databases): Promise<unknown> =>
    databaseLogin.run(
      { host: server.host, port: server.port, user: 'icewarp', password: { secret: 'icewarp' }, databases, from },
      context,
    );

  it('opens the databases from its node, from nowhere else, and nothing besides them', async () => {
    await server.query('CREATE DATABASE iwXaccounts');
    const before = await databaseUser.observe(user(), context);
    expect(databaseUser.diff(user(), before)).toHaveLength(3);
    await databaseUser.apply(user(), context);
    await databaseUser.apply(user(), context);
    expect(databaseUser.diff(user(), await databaseUser.observe(user(), context))).toEqual([]);
    expect(await login(NODE)).toMatchObject({ server: expect.stringContaining('MariaDB') });
    await expect(login(STRANGER)).rejects.toMatchObject({ code: 'DATABASE_DENIED' });
    await expect(login(NODE, ['iwXaccounts'])).rejects.toMatchObject({ code: 'DATABASE_DENIED' });
    expect(await databaseUser.restore(user(), before, context)).toEqual([]);
    expect(await databaseUser.restore(user(), before, context)).toEqual([]);
    await expect(login(NODE)).rejects.toMatchObject({ code: 'DATABASE_DENIED' });
  });

  it('is no proof on a machine whose clock is not that of the database server', async () => {
    await databaseUser.apply(user(), context);
    const lag = (seconds: number): Promise<unknown> =>
      server.query(`SET GLOBAL init_connect = 'SET timestamp = UNIX_TIMESTAMP(NOW(6)) - ${seconds}'`);
    try {
      await lag(30);
      await expect(login(NODE)).rejects.toMatchObject({
        code: 'CLOCK_OFF',
        message: expect.stringMatching(/clock is (29|30)\.\d s ahead of that of the database server/) as unknown,
      });
      await lag(-30);
      await expect(login(NODE)).rejects.toThrow(/clock is 30\.\d s behind that/);
      await lag(0.5);
      await expect(login(NODE)).resolves.toBeDefined();
    } finally {
      await server.query("SET GLOBAL init_connect = ''");
    }
  });

  it('that was there before keeps its password, its rights and its grants on other databases', async () => {
    await server.query(`CREATE USER icewarp@'${NODE}' IDENTIFIED BY 'his own'`);
    await server.query(`GRANT SELECT, INSERT ON \`iw\\_accounts\`.* TO icewarp@'${NODE}'`);
    const grants = await server.query(`SHOW GRANTS FOR icewarp@'${NODE}'`);
    const before = await databaseUser.observe(user(), context);
    expect(before).toEqual({ exists: true, grants: { iw_accounts: 'SELECT, INSERT', iw_groupware: '' } });
    expect(JSON.stringify(before)).not.toContain('PASSWORD');
    await databaseUser.apply(user(), context);
    await expect(login(NODE)).rejects.toMatchObject({ code: 'DATABASE_DENIED' });
    expect(await databaseUser.restore(user(), before, context)).toEqual([]);
    expect(await server.query(`SHOW GRANTS FOR icewarp@'${NODE}'`)).toEqual(grants);
  });

  it('is put right after an interruption between making it and granting', async () => {
    const before = await databaseUser.observe(user(), context);
    await server.query(`CREATE USER icewarp@'${NODE}' IDENTIFIED BY 'x'`);
    await databaseUser.apply(user(), context);
    expect(databaseUser.diff(user(), await databaseUser.observe(user(), context))).toEqual([]);
    await databaseUser.restore(user(), before, context);
    expect(await databaseUser.observe(user(), context)).toEqual({ exists: false, grants: {} });
  });

  it('keeps its rights on a database whose IceWarp tables stay on the way back, and says so', async () => {
    const before = await databaseUser.observe(user(), context);
    await databaseUser.apply(user(), context);
    await server.query('CREATE TABLE iw_accounts.MetaData (id INT)');
    await expect(databaseUser.restore(user(), before, context)).resolves.toEqual([
      `the rights of the database user icewarp from ${NODE} on iw_accounts stay: IceWarp’s tables are in it`,
    ]);
    expect(await databaseUser.observe(user(), context)).toEqual({
      exists: true,
      grants: { iw_accounts: 'ALL PRIVILEGES', iw_groupware: '' },
    });
    await server.query('DROP TABLE iw_accounts.MetaData');
    await expect(databaseUser.restore(user(), before, context)).resolves.toEqual([]);
    expect(await databaseUser.observe(user(), context)).toEqual(before);
  });

  it('stays when somebody gave it other rights meanwhile', async () => {
    const before = await databaseUser.observe(user(), context);
    await databaseUser.apply(user(), context);
    await server.query(`GRANT SELECT ON mysql.* TO icewarp@'${NODE}'`);
    expect(await databaseUser.restore(user(), before, context)).toEqual([
      `the database user icewarp from ${NODE} stays: it has other rights than those of this cluster`,
    ]);
  });
});

describe('a connection to the database', () => {
  it('that nobody answers is an outage, worth another try', async () => {
    const closed = { ...accounts(), port: await freePort([server.host]) };
    await expect(database.observe(closed, context)).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      retryable: true,
    });
  });

  it('with a wrong password is refused, not an outage', async () => {
    const { administrator } = accessTo(server);
    const wrong = { ...accounts(), administrator: { ...administrator, password: { secret: 'wrong' } } };
    await expect(database.observe(wrong, context)).rejects.toMatchObject({ code: 'DATABASE_DENIED' });
  });

  it('tells nothing of the statement or the server’s words when a statement is wrong', async () => {
    const { user: name, password } = server.administrator;
    const statement = 'CREATE USSER ?@? IDENTIFIED BY ?';
    const failure: unknown = await withDatabase(
      { host: server.host, port: server.port, user: name, password },
      context.signal,
      (connection) => connection.run(statement, ['icewarp', NODE, SECRET]),
    ).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'DATABASE_FAILED' });
    const { message, cause } = failure as Error;
    expect(`${message} ${JSON.stringify(cause)}`).not.toMatch(/USSER|s3cret|syntax/);
  });

  it('leaves no secret in the log or in the failure that Temporal keeps when a step’s statement is wrong', async () => {
    await server.query('CREATE DATABASE iw_accounts');
    await server.query('CREATE DATABASE iw_groupware');
    const relay = await garblingRelay(server.host, server.port, ['IDENTIFIED', 'IDENTIFEID']);
    // before anything is redacted: what is not handed to the log cannot be missed by it either
    const said: string[] = [];
    const log = (event: string, detail: unknown): number =>
      said.push(`${event} ${inspect(detail, { depth: 9, showHidden: true })}`);
    try {
      const agent = Object.assign(context.agent, { log });
      const desired = { ...user(), port: relay.port };
      const failure = await runActivity('control', agent, 'databaseUser.apply', 'control/databaseUser:A', desired).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure).toMatchObject({ type: 'DATABASE_FAILED' });
      expect(relay.answers()).toMatch(/error in your SQL syntax[\s\S]*IDENTIFEID BY 's3cret/);
      expect(said.join()).toContain('DATABASE_FAILED');
      expect(`${inspect(failure, { depth: 9, showHidden: true })} ${said.join()}`).not.toMatch(/s3cret|IDENTIF|syntax/);
    } finally {
      relay.close();
    }
  });

  it('ends at once when the step is cancelled', async () => {
    const controller = new AbortController();
    const { user: name, password } = server.administrator;
    const started = Date.now();
    const sleeping = withDatabase(
      { host: server.host, port: server.port, user: name, password },
      controller.signal,
      (connection) => connection.run('SELECT SLEEP(100)'),
    );
    const ended = expect(sleeping).rejects.toThrow('cancelled by the test');
    const statements = "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(100)'";
    await eventually('the statement is at work', async () => (await server.query(statements)).length > 0);
    controller.abort(new Error('cancelled by the test'));
    await ended;
    expect(Date.now() - started).toBeLessThan(90_000);
  });
});
