import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import {
  COLLATION,
  collationClashes,
  collationLetters,
  collationWeights,
  type CollationClashes,
} from '../../src/activities/collation.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';
import { startMariaDb, type MariaDb } from '../support/mariadb.js';

const CONNECTION = 'C_System_Storage_Accounts_ODBCConnString';
let server: MariaDb;
let context: TestContext;
let icewarp: FakeIceWarp;
let directory: string;

beforeAll(async () => {
  server = await startMariaDb();
  context = await testContext({ administrator: server.administrator.password });
  directory = join(context.folder, 'icewarp');
  icewarp = await fakeIceWarp(directory, { [CONNECTION]: 'config/accounts.db;;;;7;3' });
});
afterAll(async () => {
  await icewarp.stop();
  await context.remove();
  await server.stop();
});

function sqlite(sql: string): void {
  execFileSync('sqlite3', ['-bail', join(directory, 'config/accounts.db')], { input: sql });
}

/** What the three looks find together; the answers that go into history are small and hold no key. */
async function compare(): Promise<CollationClashes> {
  const { letters, more, unread } = await collationLetters.run({ directory }, context);
  expect(more).toBe(0);
  if (unread !== '') return { tables: [], keysInAll: 0, unread };
  const { host, port, administrator } = server;
  const login = { user: administrator.user, password: { secret: 'administrator' } };
  const weighed = await collationWeights.run({ host, port, administrator: login, letters }, context);
  for (const answer of [{ letters }, weighed]) {
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(2_048);
    expect(JSON.stringify(answer)).not.toMatch(/jane|muller/i);
  }
  return collationClashes.run({ directory, letters, weights: weighed.weights }, context);
}

const NAMES = [
  'jane@example.com',
  'JANE@example.com',
  'muller@example.com',
  'müller@example.com',
  'strasse@example.com',
  'straße@example.com',
  'ｊane@example.com',
  'bob@example.com',
  'bob2@example.com',
  'œuvre@example.com',
  'oeuvre@example.com',
  'νίκος@example.com',
  'νικοσ@example.com',
  '日本@example.com',
  '日木@example.com',
];

describe('keys of a node’s own accounts database', () => {
  it('are not there to be compared where there is no such database', async () => {
    expect(await compare()).toMatchObject({ unread: 'there is no such file' });
  });

  it('clash exactly where the database server takes them for one', async () => {
    sqlite('CREATE TABLE Users (id INTEGER PRIMARY KEY, address TEXT UNIQUE, other INTEGER UNIQUE);');
    sqlite('CREATE TABLE Pairs (domain TEXT, name TEXT, PRIMARY KEY (domain, name)); CREATE TABLE "o""dd" (x TEXT);');
    for (const [index, name] of NAMES.entries()) sqlite(`INSERT INTO Users VALUES (${index}, '${name}', ${index});`);
    sqlite("INSERT INTO Pairs VALUES ('a', 'b'), ('A', 'b'), ('ab', ''), ('', 'ab'), ('a', 'c ');");
    sqlite('INSERT INTO "o""dd" VALUES (\'x\'), (\'X\');');
    const found = await compare();
    await server.query('CREATE DATABASE truth CHARACTER SET utf8mb4');
    await server.query(`CREATE TABLE truth.Users (address VARCHAR(200) COLLATE ${COLLATION} PRIMARY KEY)`);
    let refused = 0;
    for (const name of NAMES) {
      await server.query(`INSERT INTO truth.Users VALUES ('${name}')`).catch(() => (refused += 1));
    }
    expect(refused).toBeGreaterThan(3);
    expect(found).toEqual({
      tables: [
        { table: 'Pairs', keys: 1 },
        { table: 'Users', keys: refused },
      ],
      keysInAll: refused + 1,
      unread: '',
    });
  });

  it('are read although the server has them open and writes, and no copy is left', async () => {
    sqlite("PRAGMA journal_mode = WAL; INSERT INTO Users VALUES (99, 'Bob@example.com', 99);");
    const before = (await compare()).keysInAll;
    expect(before).toBeGreaterThan(3);
    expect(await readdir(context.agent.config.stateDir)).toEqual([]);
  });

  it('are not read from what is no database, which is said', async () => {
    await icewarp.put(CONNECTION, 'config/broken.db;;;;7;3');
    await mkdir(join(directory, 'config'), { recursive: true });
    await writeFile(join(directory, 'config/broken.db'), 'no database'.repeat(500));
    expect(await compare()).toMatchObject({ unread: 'it could not be read' });
  });

  it('are no matter where the accounts are in a database server already', async () => {
    await icewarp.put(CONNECTION, 'iw_accounts;u;p;192.0.2.40;3;2');
    expect(await collationLetters.run({ directory }, context)).toEqual({ letters: '', more: 0, unread: '' });
  });
});
