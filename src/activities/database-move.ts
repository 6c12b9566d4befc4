import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { assertStopped } from '../icewarp/control.js';
import { isInstalled } from '../icewarp/layout.js';
import { copyFrozen, fingerprintOf } from '../platform/sqlite-copy.js';
import { bringBack } from './database-move-back.js';
import {
  isMoved,
  moveNote,
  pointsAt,
  writeMoveNote,
  type DatabaseToMove,
  type MoveNote,
  type Points,
} from './database-move-note.js';
import {
  emptyTables,
  fileEnd,
  migrateCompared,
  migrationRoom,
  refuseClashes,
  serverEnd,
} from './database-migration.js';
import { onDatabase } from './node-database.js';
import { wasOpened } from './opened.js';
import type { Change, Context, Resource } from './resource.js';
import { sqliteReader } from './row-readers.js';
import { dropAll, madeByUs } from './tables.js';

/** The content of a server's own databases is in the cluster's (G13; procedure, rule 13). */
export interface DatabaseMoveDesired {
  readonly directory: string;
  readonly moves: readonly DatabaseToMove[];
}

export interface MoveObserved {
  readonly points: Points['at'];
  /** What its setting says, without a password. */
  readonly setting: string;
  readonly moved: boolean;
  /** Rows that were moved. */
  readonly rows: number;
}

export interface DatabaseMoveObserved {
  /** By role. */
  readonly databases: Readonly<Partial<Record<DatabaseToMove['role'], MoveObserved>>>;
}

/**
 * Moves what IceWarp's SQLite databases hold, with the services stopped: a frozen copy, IceWarp's own migration of it
 * into tables that we made in an empty database, and a comparison of every row. The files themselves are never written.
 * What points at them is for `settings`, after it.
 */
export const databaseMove: Resource<DatabaseMoveDesired, DatabaseMoveObserved, 'node'> = {
  place: 'node',

  async observe({ directory, moves }, context) {
    if (!(await isInstalled(directory))) return null;
    const databases: Partial<Record<DatabaseToMove['role'], MoveObserved>> = {};
    for (const move of moves) databases[move.role] = await look(directory, move, context);
    return { databases };
  },

  diff({ moves }, observed) {
    return moves.flatMap(({ role, connection: { database } }): Change[] => {
      const now = observed?.databases[role];
      if (now?.points === 'target' || now?.moved === true) return [];
      return [{ what: `content of ${role}`, before: now?.setting ?? 'not installed', after: `in ${database}` }];
    });
  },

  async apply({ directory, moves }, context) {
    for (const move of moves) await moveOne(directory, move, context);
  },

  async restore({ directory, moves }, _before, context) {
    const kept: string[] = [];
    for (const move of [...moves].reverse()) {
      const note = await moveNote(context.agent, move.connection);
      if (note !== undefined) kept.push(...(await takeBack(directory, move, note, context)));
    }
    return kept;
  },
};

async function look(directory: string, move: DatabaseToMove, { agent, signal }: Context): Promise<MoveObserved> {
  const points = await pointsAt(directory, move, signal);
  const moved = points.at === 'file' && (await isMoved(agent, move.connection, points.file));
  const { database } = move.connection;
  const setting = points.at === 'file' ? points.written : points.at === 'target' ? database : points.shown;
  const rows = (await moveNote(agent, move.connection))?.rows ?? 0;
  return { points: points.at, setting: setting.slice(0, 200), moved, rows };
}

async function moveOne(directory: string, move: DatabaseToMove, context: Context): Promise<void> {
  const { agent, signal } = context;
  const { role, connection } = move;
  const points = await pointsAt(directory, move, signal);
  if (points.at === 'target') return;
  if (points.at === 'elsewhere') {
    throw new RolloutError(
      'MIGRATION_UNKNOWN',
      `${role} is in ${points.shown || 'no database'}, not in an SQLite file`,
    );
  }
  const { file } = points;
  if (await isMoved(agent, connection, file)) return;
  await assertStopped(directory);
  if (!(await madeByUs(agent, connection)) || (await wasOpened(agent, 'databases'))) {
    const why = `the tables in ${connection.database} were not made by this rollout, or users have worked with them`;
    throw new RolloutError('TABLES_FOREIGN', why);
  }
  const fingerprint = await fingerprintOf(file);
  const begun: MoveNote = { role, state: 'moving', source: file, fingerprint, rows: 0, hash: '' };
  const copy = join(migrationRoom(context), `${role}.db`);
  const moved = fingerprint === '' ? { rows: 0, hash: '' } : await moveContent(directory, move, begun, copy, context);
  await writeMoveNote(agent, connection, { ...begun, ...moved, state: 'moved' });
  await rm(copy, { force: true });
}

async function moveContent(
  directory: string,
  { role, connection }: DatabaseToMove,
  begun: MoveNote,
  copy: string,
  context: Context,
): Promise<{ readonly rows: number; readonly hash: string }> {
  const { agent, signal } = context;
  await copyFrozen(begun.source, copy, signal);
  await refuseClashes(copy, connection, context);
  const from = fileEnd(copy, sqliteReader(copy, signal));
  const to = await serverEnd(connection, context);
  const begin = async (): Promise<void> => {
    await writeMoveNote(agent, connection, begun);
    // ours: we made these tables in an empty database, and IceWarp has never worked on it
    await emptyTables(connection, context);
  };
  return migrateCompared({ directory, role, from, to, begin }, context);
}

async function takeBack(
  directory: string,
  move: DatabaseToMove,
  note: MoveNote,
  context: Context,
): Promise<readonly string[]> {
  const { agent, signal } = context;
  const { role, connection } = move;
  const { database } = connection;
  const points = await pointsAt(directory, move, signal);
  const forget = (): Promise<void> => writeMoveNote(agent, connection, null);
  if (points.at === 'target') {
    await forget();
    return [`the content of ${role} stays in ${database}: IceWarp works on it`];
  }
  // perhaps the same database by another name: nothing of it is ours to drop
  if (points.at === 'elsewhere') {
    throw new RolloutError('CHANGED_MEANWHILE', `${role} is in ${points.shown || 'no database'} now`);
  }
  if (note.state === 'moved' && (await wasOpened(agent, 'databases'))) {
    const file = await bringBack(directory, move, note, points, context);
    await forget();
    return [`${database} stays as users left it; ${role} is in ${file} again`];
  }
  if (await madeByUs(agent, connection)) await onDatabase(connection, context, dropAll);
  await forget();
  return [];
}
