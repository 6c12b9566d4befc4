import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { databasePreflight, type DatabasePreflightInput } from '../../src/activities/database-preflight.js';
import { judgeDatabase } from '../../src/workflows/preflight/judge-database.js';
import { testContext, type TestContext } from '../support/context.js';
import { startMariaDb, type MariaDb } from '../support/mariadb.js';
import { exampleCluster } from '../workflows/example-cluster.js';

const { database: described, ...rest } = exampleCluster('t');
const cluster = { database: described, ...rest };
const NAMES = Object.values(described.names);

let server: MariaDb;
let context: TestContext;
let input: DatabasePreflightInput;

beforeAll(async () => {
  server = await startMariaDb();
  context = await testContext({ administrator: server.administrator.password });
  const { host, port, administrator } = server;
  input = {
    host,
    port,
    administrator: { user: administrator.user, password: { secret: 'administrator' } },
    user: 'icewarp',
    databases: NAMES,
  };
});
afterAll(async () => {
  await context.remove();
  await server.stop();
});

const findings = async (): Promise<string[]> =>
  judgeDatabase(cluster, await databasePreflight.run(input, context))
    .filter(({ severity }) => severity !== 'tells')
    .map(({ id }) => id);

describe('the preflight of a database server', () => {
  it('tells the settings of a fresh server, of which nothing is in the way', async () => {
    const facts = await databasePreflight.run(input, context);
    expect(facts).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+\..*MariaDB/), engine: 'InnoDB' });
    expect(facts.maxConnections).toBeGreaterThan(0);
    expect(facts.maxAllowedPacket).toBeGreaterThan(0);
    expect(facts.databases).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  it('sees settings as they are now', async () => {
    const [before] = await server.query(
      'SELECT @@GLOBAL.max_connections AS most, @@GLOBAL.max_allowed_packet AS packet',
    );
    await server.query('SET GLOBAL max_connections = 12, GLOBAL max_allowed_packet = 1048576');
    await server.query('SET GLOBAL default_storage_engine = MyISAM');
    expect(await findings()).toEqual([
      'control/database/connections-few',
      'control/database/packet-small',
      'control/database/engine',
    ]);
    await server.query(`SET GLOBAL max_connections = ${String(before?.['most'])}`);
    await server.query(`SET GLOBAL max_allowed_packet = ${String(before?.['packet'])}`);
    await server.query('SET GLOBAL default_storage_engine = InnoDB');
    expect(await findings()).toEqual([]);
  });

  it('finds accounts that would let nodes in besides their own', async () => {
    for (const account of ["icewarp@'%'", "''@'192.0.2.%'", "icewarp@'192.0.2.11'", "other@'%'"]) {
      await server.query(`CREATE USER ${account} IDENTIFIED BY 'geheim'`);
    }
    const facts = await databasePreflight.run(input, context);
    expect(JSON.stringify(facts)).not.toMatch(/geheim|other/);
    expect(await findings()).toEqual(['control/database/wildcard-user', 'control/database/anonymous-user']);
    for (const account of ["icewarp@'%'", "''@'192.0.2.%'"]) await server.query(`DROP USER ${account}`);
    expect(await findings()).toEqual([]);
  });

  it('tells tables of somebody else from those of IceWarp, in the wanted databases only', async () => {
    await server.query('CREATE DATABASE iw_accounts CHARACTER SET latin1');
    await server.query('CREATE DATABASE elsewhere');
    await server.query('CREATE TABLE elsewhere.t (id INT)');
    expect(await findings()).toEqual([]);
    await server.query('CREATE TABLE iw_accounts.wiki (id INT)');
    expect(await findings()).toEqual([
      'control/database/iw_accounts-foreign',
      'control/database/iw_accounts-collation',
    ]);
    await server.query('CREATE TABLE iw_accounts.MetaData (id INT)');
    const { databases } = await databasePreflight.run(input, context);
    expect(databases).toEqual([{ name: 'iw_accounts', collation: 'latin1_swedish_ci', tables: 2, icewarp: true }]);
    await server.query('DROP DATABASE iw_accounts');
    await server.query('DROP DATABASE elsewhere');
  });

  it('answers in less than 2 kB however many accounts there are, the patterns first', async () => {
    for (let index = 0; index < 30; index += 1) await server.query(`CREATE USER icewarp@'10.0.0.${index}'`);
    await server.query("CREATE USER icewarp@'192.0.%'");
    const long = NAMES.map((_, index) => `${index}`.padEnd(64, 'x'));
    for (const name of long) await server.query(`CREATE DATABASE \`${name}\``);
    const facts = await databasePreflight.run({ ...input, databases: long }, context);
    expect(facts.databases.map(({ name }) => name)).toEqual(long);
    expect(Buffer.byteLength(JSON.stringify(facts))).toBeLessThan(2_048);
    expect(facts.accounts[0]).toEqual({ user: 'icewarp', from: '192.0.%' });
  });
});
