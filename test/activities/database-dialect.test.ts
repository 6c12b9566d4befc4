import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { databaseDialect, type DatabaseDialectInput } from '../../src/activities/database-dialect.js';
import { judgeDialect } from '../../src/workflows/preflight/judge-dialect.js';
import { testContext, type TestContext } from '../support/context.js';
import { startMariaDb, type MariaDb } from '../support/mariadb.js';
import { exampleCluster } from '../workflows/example-cluster.js';

const cluster = exampleCluster('t');
let server: MariaDb;
let context: TestContext;
let input: DatabaseDialectInput;

beforeAll(async () => {
  server = await startMariaDb();
  context = await testContext({ administrator: server.administrator.password });
  const { host, port, administrator } = server;
  const login = { user: administrator.user, password: { secret: 'administrator' } };
  input = { host, port, administrator: login, user: 'icewarp' };
});
afterAll(async () => {
  await context.remove();
  await server.stop();
});

const findings = async (): Promise<string[]> =>
  judgeDialect(cluster, await databaseDialect.run(input, context)).map(({ id }) => id.replace('control/database/', ''));

/** Every fault is one of the real server. */
const FAULTS: readonly [string, string, string][] = [
  ['read-only', 'SET GLOBAL read_only = ON', 'SET GLOBAL read_only = OFF'],
  ['init-connect', "SET GLOBAL init_connect = 'SET NAMES latin1'", "SET GLOBAL init_connect = ''"],
  ['charset', 'SET GLOBAL character_set_server = latin1', 'SET GLOBAL character_set_server = utf8mb4'],
  [
    'sql-mode',
    "SET GLOBAL sql_mode = 'STRICT_TRANS_TABLES,ANSI_QUOTES'",
    "SET GLOBAL sql_mode = 'STRICT_TRANS_TABLES'",
  ],
  ['sql-mode-loose', "SET GLOBAL sql_mode = ''", "SET GLOBAL sql_mode = 'STRICT_TRANS_TABLES'"],
  ['wait-timeout', 'SET GLOBAL wait_timeout = 60', 'SET GLOBAL wait_timeout = 28800'],
  ['plugin-account', "CREATE USER icewarp@'192.0.2.11' IDENTIFIED VIA unix_socket", "DROP USER icewarp@'192.0.2.11'"],
];

describe('how a database server talks to its clients', () => {
  it('is unobjectionable on a fresh MariaDB with utf8mb4', async () => {
    await server.query('SET GLOBAL character_set_server = utf8mb4');
    const facts = await databaseDialect.run(input, context);
    expect(facts).toMatchObject({ readOnly: false, tlsOnly: [], plugin: 'mysql_native_password' });
    expect(Buffer.byteLength(JSON.stringify(facts))).toBeLessThan(2_048);
    expect(await findings()).toEqual([]);
  });

  it.each(FAULTS)('is found out: %s', async (id, set, heal) => {
    await server.query(set);
    try {
      expect(await findings()).toEqual([id]);
    } finally {
      await server.query(heal);
    }
    expect(await findings()).toEqual([]);
  });

  it('tells the server’s time, not ours', async () => {
    await server.query("SET GLOBAL time_zone = '+05:30'");
    expect((await databaseDialect.run(input, context)).zone).toBe(330);
    await server.query("SET GLOBAL time_zone = 'SYSTEM'");
  });
});
