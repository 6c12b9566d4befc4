import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { mysqlConnectionString, sqliteConnectionString } from '../icewarp/connection-string.js';
import type { MovedRole } from '../icewarp/database-roles.js';
import { migrateDatabase } from '../icewarp/migrate-database.js';
import { identifier, type Database } from '../platform/mysql.js';
import { onSqlite } from '../platform/sqlite-copy.js';
import { clashingKeys } from './collation.js';
import { areSame, differences, differenceText, digestOf, matchTables } from './database-rows.js';
import { onDatabase, type ConnectionSpec } from './node-database.js';
import type { Context } from './resource.js';
import { mysqlReader, type RowReader } from './row-readers.js';

/** One end of a migration. */
export interface End {
  readonly reader: RowReader;
  /** As IceWarp is given it, with the password. */
  readonly dsn: string;
  /** As it may be named. */
  readonly name: string;
}

/** What was moved. */
export interface Migrated {
  readonly rows: number;
  /** Hex sha256 of it. */
  readonly hash: string;
}

/** A database of the cluster's server. */
export async function serverEnd(connection: ConnectionSpec, context: Context): Promise<End> {
  const password = await context.agent.secrets.resolve(connection.password.secret, context.signal);
  return {
    reader: mysqlReader((work) => onDatabase(connection, context, work)),
    dsn: mysqlConnectionString({ ...connection, password: password.reveal() }),
    name: connection.database,
  };
}

/** A database file of ours. */
export function fileEnd(file: string, reader: RowReader): End {
  return { reader, dsn: sqliteConnectionString(file), name: file };
}

/** Where the agent keeps copies and IceWarp's logs of a migration. */
export function migrationRoom({ agent }: Context): string {
  return join(agent.config.stateDir, 'database-move');
}

/** A migration of one database into another. */
export interface Way {
  readonly directory: string;
  readonly role: MovedRole;
  readonly from: End;
  readonly to: End;
  /** Before the first row is copied: what the destination holds goes. */
  readonly begin?: () => Promise<void>;
}

/**
 * Lets IceWarp copy a database into another and compares every row. What is to arrive is read before, so that nothing
 * that happens to the source meanwhile can hide a loss. Where the destination holds the same already, nothing is copied.
 *
 * @throws RolloutError ROWS_DIFFER naming tables, counts and some keys; the errors of `migrateDatabase`.
 */
export async function migrateCompared(way: Way, context: Context): Promise<Migrated> {
  const { directory, role, from, to } = way;
  const tables = await matchTables(from.reader, to.reader);
  const before = await digestOf(from.reader, 0, tables);
  const moved = { rows: before.rows, hash: before.hash };
  // moved by hand, or by an attempt that was killed before it could say so
  if (areSame([before, await digestOf(to.reader, 1, tables)], tables)) return moved;
  await way.begin?.();
  const room = migrationRoom(context);
  await migrateDatabase({ directory, role, source: from.dsn, destination: to.dsn, room }, context.signal);
  const after = await digestOf(to.reader, 1, tables);
  const found = await differences([from.reader, to.reader], [before, after], tables);
  if (found.length === 0) return moved;
  throw new RolloutError('ROWS_DIFFER', `${to.name} does not hold what ${role} had: ${differenceText(found)}`);
}

/** What the second end holds otherwise than the first, in words; empty where nothing. */
export async function differenceBetween(from: End, to: End): Promise<string> {
  const tables = await matchTables(from.reader, to.reader);
  const digests = [await digestOf(from.reader, 0, tables), await digestOf(to.reader, 1, tables)] as const;
  return differenceText(await differences([from.reader, to.reader], digests, tables));
}

/**
 * Stands before a migration: keys that the server takes for one would be one row, or none.
 *
 * @param file a copy of ours.
 * @throws RolloutError KEYS_CLASH.
 */
export async function refuseClashes(file: string, connection: ConnectionSpec, context: Context): Promise<void> {
  const ask = (sql: string): Promise<readonly string[]> => onSqlite(file, sql, context.signal);
  const found = await onDatabase(connection, context, (database) => clashingKeys(ask, database));
  if (found.length === 0) return;
  const told = found.slice(0, 4).map(({ table, keys, some }) => `${table} (${keys}: ${some.join('; ')})`);
  throw new RolloutError(
    'KEYS_CLASH',
    `${connection.database} takes keys for one that are several now: ${told.join(', ')}`,
  );
}

/** Takes every row out of tables of ours; what describes the tables stays. */
export async function emptyTables(connection: ConnectionSpec, context: Context): Promise<void> {
  await onDatabase(connection, context, async (database) => {
    const names = (await mysqlReader((work) => work(database)).tables()).map(({ name }) => name);
    await database.run('SET SESSION foreign_key_checks = 0');
    for (const name of names) await truncate(database, name);
  });
}

async function truncate(database: Database, table: string): Promise<void> {
  await database.run(`TRUNCATE TABLE ${identifier(table)}`);
}
