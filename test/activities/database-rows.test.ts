import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { differences, differenceText, digestOf, matchTables } from '../../src/activities/database-rows.js';
import { mysqlReader, sqliteReader } from '../../src/activities/row-readers.js';
import { withDatabase } from '../../src/platform/mysql.js';
import { startMariaDb, type MariaDb } from '../support/mariadb.js';

const signal = new AbortController().signal;
const TYPES = `CREATE TABLE Types (id INTEGER PRIMARY KEY, amount DOUBLE, small DECIMAL(8,2), born DATETIME, word VARCHAR(80),
  body TEXT, raw BLOB)`;
const PAIRS = 'CREATE TABLE Pairs (domain VARCHAR(60), name VARCHAR(60), pass VARCHAR(60), PRIMARY KEY (domain, name))';
const LOOSE = 'CREATE TABLE Loose (word VARCHAR(20))';

let server: MariaDb;
let folder: string;
let file: string;

beforeAll(async () => {
  server = await startMariaDb();
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-rows-'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The same rows in both, each in the way that its database writes them. */
beforeEach(async () => {
  file = join(folder, 'rows.db');
  await rm(file, { force: true });
  sqlite(`${TYPES}; ${PAIRS}; ${LOOSE}; CREATE TABLE Empty (x TEXT); CREATE TABLE MetaData (name TEXT);
    INSERT INTO MetaData VALUES ('sqlite');
    INSERT INTO Types VALUES (1, 0.1, '12.50', '2026-01-02T03:04:05', 'Grüße  ', 'a|b
c', x'00ff7c'),
      (2, 3, 7, NULL, NULL, '', NULL), (9007199254740993, NULL, NULL, NULL, '007', '🎈', '');
    INSERT INTO Pairs VALUES ('a', 'b', 'canary'), ('a', 'c', 'x'), ('b', 'c', NULL);
    INSERT INTO Loose VALUES ('x'), ('x'), ('y');`);
  await server.query('CREATE OR REPLACE DATABASE rows_ CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci');
  for (const table of [TYPES, PAIRS, LOOSE])
    await run(table.replace('INTEGER', 'BIGINT').replace('TABLE ', 'TABLE rows_.'));
  await run(`INSERT INTO rows_.Types VALUES (1, 0.1, 12.5, '2026-01-02 03:04:05', 'Grüße', 'a|b\\nc', x'00ff7c'),
      (2, 3, 7, NULL, '', '', ''), (9007199254740993, NULL, NULL, NULL, '007', '🎈', NULL)`);
  await run("INSERT INTO rows_.Pairs VALUES ('b', 'c', ''), ('a', 'b', 'canary'), ('a', 'c', 'x')");
  await run("INSERT INTO rows_.Loose VALUES ('y'), ('x'), ('x')");
});

const sqlite = (sql: string): string => execFileSync('sqlite3', ['-bail', file], { input: sql, encoding: 'utf8' });
const run = (sql: string): Promise<unknown> => server.query(sql);

/** What is told of the difference; empty where there is none. */
async function compare(): Promise<string> {
  const { host, port, administrator } = server;
  const login = { host, port, ...administrator, database: 'rows_' };
  const first = sqliteReader(file, signal);
  const second = mysqlReader((work) => withDatabase(login, signal, work));
  const tables = await matchTables(first, second);
  const [ours, theirs] = [await digestOf(first, 0, tables), await digestOf(second, 1, tables)];
  const found = await differences([first, second], [ours, theirs], tables);
  if (found.length === 0) expect([ours.rows, ours.hash]).toEqual([theirs.rows, theirs.hash]);
  return differenceText(found);
}

describe('two databases with the same rows', () => {
  it('are equal, in whatever order and form they have them', async () => {
    expect(await compare()).toBe('');
  });

  it.each([
    ['a row that was lost', "DELETE FROM rows_.Pairs WHERE name = 'b'", 'Pairs (1 missing: a, b)'],
    ['a row too many', "INSERT INTO rows_.Pairs VALUES ('z', 'z', '')", 'Pairs (1 more: z, z)'],
    ['another value', "UPDATE rows_.Pairs SET pass = 'canary2' WHERE name = 'b'", 'Pairs (1 changed: a, b)'],
    ['one byte', "UPDATE rows_.Types SET raw = x'00ff7d' WHERE id = 1", 'Types (1 changed: 1)'],
    [
      'a letter that was lost',
      "UPDATE rows_.Types SET body = '?' WHERE word = '007'",
      'Types (1 changed: 9007199254740993)',
    ],
    ['a column that was lost', 'ALTER TABLE rows_.Types DROP born', 'Types (3 missing: column born)'],
    ['a table that was lost', 'DROP TABLE rows_.Pairs', 'Pairs (3 missing: a, b; a, c; b, c)'],
  ])('differ by %s, which is named without its content', async (_, sql, told) => {
    await run(sql);
    expect(await compare()).toBe(told);
  });

  it('differ by one of two equal rows of a table without a key', async () => {
    await run("DELETE FROM rows_.Loose WHERE word = 'x' LIMIT 1");
    expect(await compare()).toMatch(/^Loose \(1 missing: row [0-9a-f]{8}\)$/);
  });

  it('differ by rows in a table that only one of them has', async () => {
    await run('CREATE TABLE rows_.Theirs (id INT PRIMARY KEY) SELECT 5 AS id');
    expect(await compare()).toBe('Theirs (1 more: 5)');
  });

  it('are compared with many rows that differ, of which some are named', async () => {
    const rows = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)';
    sqlite(`${rows} INSERT INTO Pairs SELECT 'many', 'n' || i, '' FROM n;`);
    await run(`INSERT INTO rows_.Pairs ${rows} SELECT 'many', CONCAT('n', i), '' FROM n`.replaceAll('5000', '500'));
    expect(await compare()).toMatch(/^Pairs \(4500 missing: many, n\d+; many, n\d+; many, n\d+\)$/);
  });
});
