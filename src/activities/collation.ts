import { resolve } from 'node:path';

import { sqliteFileOf } from '../icewarp/connection-string.js';
import { isInstalled } from '../icewarp/layout.js';
import { Tool } from '../icewarp/tool.js';
import { SETTINGS } from '../icewarp/variables.js';
import type { Database } from '../platform/mysql.js';
import { onSqliteCopy, type AskSqlite } from '../platform/sqlite.js';
import { asAdministrator, type DatabaseServer } from './database-server.js';
import type { Context, Procedure } from './resource.js';

/*
 * Which keys of a node's own accounts database would be the same in the cluster's is for the database server to say; but
 * names of accounts are no matter for a workflow's history. So the node tells the letters that its keys are made of, the
 * server how it weighs each of them, and the node compares. The collation weighs letter by letter: none of its rules
 * spans two of them.
 */

export const COLLATION = 'utf8mb4_unicode_ci';

/** A node's own accounts database, and the letters of its keys. */
export interface CollationLetters {
  /** Each once, in the order of their numbers. */
  readonly letters: string;
  /** Letters beyond those: keys that differ in them count as different. */
  readonly more: number;
  /** Why nothing could be read; empty where it was, or where there is nothing to read. */
  readonly unread: string;
}

export interface CollationClashes {
  /** Keys that are the same as another one, by table. */
  readonly tables: readonly { readonly table: string; readonly keys: number }[];
  readonly keysInAll: number;
  readonly unread: string;
}

/** The answer goes into history. */
const MOST_LETTERS = 220;
const MOST_TABLES = 6;
/** Keys of a table that a message names. */
const MOST_SHOWN = 3;
/** Keys of one table that are compared. */
const MOST_KEYS = 300_000;

/** The letters of the keys in a node's SQLite accounts database. Changes nothing. */
export const collationLetters: Procedure<{ readonly directory: string }, CollationLetters, 'node'> = {
  place: 'node',
  async run({ directory }, context) {
    const letters = new Set<string>();
    const read = await onAccounts(directory, context, async (keys) => {
      for (const { rows } of await keys())
        for (const row of rows) for (const letter of row.join('')) letters.add(letter);
    });
    const all = [...letters].sort((one, other) => (one.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0));
    return {
      letters: all.slice(0, MOST_LETTERS).join(''),
      more: Math.max(0, all.length - MOST_LETTERS),
      unread: read ?? '',
    };
  },
};

/** How the database server weighs letters, in hexadecimal; an empty weight counts for nothing. Changes nothing. */
export const collationWeights: Procedure<
  DatabaseServer & { readonly letters: string },
  { readonly weights: string },
  'control'
> = {
  place: 'control',
  run: ({ letters, ...server }, context) =>
    asAdministrator(server, context, async (database) => ({
      weights: (await weightsOf(database, Array.from(letters))).join(' '),
    })),
};

async function weightsOf(database: Database, letters: readonly string[]): Promise<readonly string[]> {
  if (letters.length === 0) return [];
  const select = letters.map(
    (_, index) => `SELECT ${index} AS at, HEX(WEIGHT_STRING(CONVERT(? USING utf8mb4) COLLATE ${COLLATION})) AS weight`,
  );
  const rows = await database.rows<{ at: number; weight: string | null }>(select.join(' UNION ALL '), letters);
  return rows.sort((one, other) => one.at - other.at).map(({ weight }) => (weight ?? '').slice(0, 16));
}

/** Counts the keys in a node's SQLite accounts database that weigh the same. Changes nothing. */
export const collationClashes: Procedure<
  { readonly directory: string; readonly letters: string; readonly weights: string },
  CollationClashes,
  'node'
> = {
  place: 'node',
  async run({ directory, letters, weights }, context) {
    const each = weights.split(' ');
    const weightOf = new Map(Array.from(letters, (letter, index) => [letter, each[index] ?? ''] as const));
    const found: { table: string; keys: number }[] = [];
    const read = await onAccounts(directory, context, async (keys) => {
      for (const { table, rows } of await keys()) {
        const clashing = rows.length - new Set(rows.map((row) => weightOfKey(row, weightOf))).size;
        if (clashing > 0) found.push({ table: table.slice(0, 64), keys: clashing });
      }
    });
    const keysInAll = found.reduce((sum, { keys }) => sum + keys, 0);
    return { tables: found.slice(0, MOST_TABLES), keysInAll, unread: read ?? '' };
  },
};

/** Keys of one table that a database server takes for one another, and some of them. */
export interface ClashingKeys {
  readonly table: string;
  readonly keys: number;
  readonly some: readonly string[];
}

/** Keys of a database file of ours that the server of a connection takes for one (procedure, rule 13). */
export async function clashingKeys(ask: AskSqlite, database: Database): Promise<readonly ClashingKeys[]> {
  const tables = await keysOf(ask);
  const letters = new Set(tables.flatMap(({ rows }) => rows.flatMap((row) => Array.from(row.join('')))));
  const weightOf = new Map<string, string>();
  for (const part of inParts([...letters], MOST_LETTERS)) {
    const weights = await weightsOf(database, part);
    part.forEach((letter, index) => weightOf.set(letter, weights[index] ?? ''));
  }
  return tables.flatMap(({ table, rows }) => {
    const seen = new Set<string>();
    const clashing = rows.filter((row) => {
      const weight = weightOfKey(row, weightOf);
      const clashes = seen.has(weight);
      seen.add(weight);
      return clashes;
    });
    const some = clashing.slice(0, MOST_SHOWN).map((row) => row.join(', ').slice(0, 80));
    return clashing.length === 0 ? [] : [{ table, keys: clashing.length, some }];
  });
}

function inParts<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}

/** Two keys weigh the same where the database takes them for one; it does not mind spaces at an end. */
function weightOfKey(key: readonly string[], weightOf: ReadonlyMap<string, string>): string {
  const parts = key.map((part) =>
    Array.from(part.replace(/ +$/, ''), (letter) => weightOf.get(letter) ?? `(${letter})`),
  );
  return parts.map((part) => part.join('')).join('|');
}

interface Keys {
  readonly table: string;
  readonly rows: readonly (readonly string[])[];
}

/** @returns why nothing was read, or null. A node without IceWarp, or with its accounts elsewhere, has nothing to read. */
async function onAccounts(
  directory: string,
  { agent, signal }: Context,
  work: (keys: () => Promise<readonly Keys[]>) => Promise<void>,
): Promise<string | null> {
  if (!(await isInstalled(directory))) return null;
  const setting = (await new Tool(directory, signal).find(SETTINGS.accountsDatabase.variable)) ?? '';
  const name = sqliteFileOf(setting);
  if (name === null) return null;
  const file = resolve(directory, name);
  const result = await onSqliteCopy<null>(file, agent.config.stateDir, signal, async (ask) => {
    await work(() => keysOf(ask));
    return null;
  });
  return result?.unread ?? null;
}

/** Every key that has to be unique and holds text, whatever the tables are called: the vendor does not document them. */
async function keysOf(ask: AskSqlite): Promise<readonly Keys[]> {
  const columns = await ask(
    `SELECT hex(m.name), hex(il.name), hex(ii.name) FROM sqlite_master m, pragma_index_list(m.name) il,
       pragma_index_info(il.name) ii WHERE m.type = 'table' AND il."unique" = 1 AND ii.name IS NOT NULL
       ORDER BY m.name, il.name, ii.seqno`,
  );
  const indexes = new Map<string, { table: string; columns: string[] }>();
  for (const line of columns) {
    const [table = '', index = '', column = ''] = line.split('|').map(unhex);
    const name = `${table}\0${index}`;
    indexes.set(name, { table, columns: [...(indexes.get(name)?.columns ?? []), column] });
  }
  const keys: Keys[] = [];
  for (const { table, columns: names } of indexes.values()) {
    const quoted = names.map(quote);
    const fields = quoted.map((name) => `hex(${name})`).join(', ');
    const there = quoted.map((name) => `${name} IS NOT NULL`).join(' AND ');
    const text = quoted.map((name) => `typeof(${name}) = 'text'`).join(' OR ');
    const rows = await ask(`SELECT ${fields} FROM ${quote(table)} WHERE ${there} AND (${text}) LIMIT ${MOST_KEYS}`);
    if (rows.length > 0) keys.push({ table, rows: rows.map((row) => row.split('|').map(unhex)) });
  }
  return keys;
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const unhex = (text: string): string => Buffer.from(text, 'hex').toString('utf8');
