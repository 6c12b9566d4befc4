import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

import { RolloutError } from '../cluster/errors.js';
import { MOVED_DATABASES } from '../icewarp/database-roles.js';
import { Tool } from '../icewarp/tool.js';
import { copyLive, fingerprintOf } from '../platform/sqlite-copy.js';
import { pointsAt, type DatabaseToMove } from './database-move-note.js';
import { fileEnd, migrateCompared, migrationRoom, refuseClashes, serverEnd } from './database-migration.js';
import { onDatabase, tableNames, type ConnectionSpec } from './node-database.js';
import type { Context, Procedure } from './resource.js';
import { sqliteReader } from './row-readers.js';
import { bearsMark, markScratch } from './scratch.js';
import { dropAll } from './tables.js';

export interface DatabaseRehearsalInput {
  readonly directory: string;
  readonly cluster: string;
  /** The connections are those of scratch databases. */
  readonly roles: readonly DatabaseToMove[];
}

export interface RehearsedRole {
  readonly role: DatabaseToMove['role'];
  /** From the copy to the last compared row. */
  readonly seconds: number;
  readonly rows: number;
  /** Of the database file. */
  readonly bytes: number;
}

export interface DatabaseRehearsal {
  /** What the move will take: of all of them, one after the other. */
  readonly seconds: number;
  readonly rows: number;
  readonly perRole: readonly RehearsedRole[];
}

/**
 * Moves copies of a server's databases into scratch ones while its users work, and compares them: the time that it takes
 * is the forecast of the move (procedure, rule 13). What it made in the scratch databases is gone afterwards.
 *
 * @throws RolloutError TABLES_FOREIGN for a database that holds something and is not our scratch; KEYS_CLASH,
 * ROWS_DIFFER, MIGRATION_FAILED, MIGRATION_UNKNOWN as the move itself would.
 */
export const databaseRehearsal: Procedure<DatabaseRehearsalInput, DatabaseRehearsal, 'node'> = {
  place: 'node',
  async run({ directory, cluster, roles }, context) {
    const perRole: RehearsedRole[] = [];
    for (const one of roles) {
      const points = await pointsAt(directory, one, context.signal);
      if (points.at === 'elsewhere') {
        throw new RolloutError('MIGRATION_UNKNOWN', `${one.role} is in ${points.shown || 'no database'}`);
      }
      // a server that has no such file has nothing to move
      if (points.at !== 'file' || (await fingerprintOf(points.file)) === '') {
        perRole.push({ role: one.role, seconds: 0, rows: 0, bytes: 0 });
      } else perRole.push(await rehearse(points.file, one, { directory, cluster }, context));
    }
    const sum = (of: (one: RehearsedRole) => number): number => perRole.reduce((all, one) => all + of(one), 0);
    return { seconds: sum(({ seconds }) => seconds), rows: sum(({ rows }) => rows), perRole };
  },
};

async function rehearse(
  file: string,
  { role, connection }: DatabaseToMove,
  { directory, cluster }: { readonly directory: string; readonly cluster: string },
  context: Context,
): Promise<RehearsedRole> {
  const { signal } = context;
  await claim(connection, cluster, context);
  const to = await serverEnd(connection, context);
  await new Tool(directory, signal).createTables(MOVED_DATABASES[role].tables, to.dsn);
  const copy = join(migrationRoom(context), `rehearsal-${role}.db`);
  const began = performance.now();
  const bytes = await copyLive(file, copy, signal);
  await refuseClashes(copy, connection, context);
  const from = fileEnd(copy, sqliteReader(copy, signal));
  const { rows } = await migrateCompared({ directory, role, from, to }, context);
  const seconds = Math.ceil((performance.now() - began) / 1_000);
  await onDatabase(connection, context, dropAll);
  await rm(copy, { force: true });
  return { role, seconds, rows, bytes };
}

/** The database becomes our scratch, without what an earlier rehearsal has left in it. */
async function claim(connection: ConnectionSpec, cluster: string, context: Context): Promise<void> {
  const { database: name } = connection;
  await onDatabase(connection, context, async (database) => {
    if ((await tableNames(database)).length > 0) {
      if (!(await bearsMark(database, name, cluster))) {
        throw new RolloutError('TABLES_FOREIGN', `${name} is no scratch database of the cluster ${cluster}`);
      }
      await dropAll(database);
    }
    await markScratch(database, cluster);
  });
}
