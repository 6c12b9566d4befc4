import { chmod, chown, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { sqliteConnectionString } from '../icewarp/connection-string.js';
import { MOVED_DATABASES } from '../icewarp/database-roles.js';
import { Tool } from '../icewarp/tool.js';
import { copyFrozen, fingerprintOf, makeDurable, onSqlite, sqliteName } from '../platform/sqlite-copy.js';
import { differenceBetween, fileEnd, migrateCompared, migrationRoom, serverEnd } from './database-migration.js';
import { writeMoveNote, type DatabaseToMove, type MoveNote, type Points } from './database-move-note.js';
import type { Context } from './resource.js';
import { markRestart, stopForChange } from './restart-marker.js';
import { sqliteReader } from './row-readers.js';

/**
 * The way back after users have worked with a database: what they left in it goes into a new file beside the old one,
 * which then is in force. The old file and the cluster's database stay as they are (procedure, rule 16).
 *
 * @param points the file that `settings` has put in force again, or the new one.
 * @returns the file in force.
 * @throws RolloutError CHANGES_LOST, with what would be lost: the old file is in force then, and an operator who skips
 * this stays on it. CHANGED_MEANWHILE where somebody has written to the old file since.
 */
export async function bringBack(
  directory: string,
  move: DatabaseToMove,
  note: MoveNote,
  points: Extract<Points, { at: 'file' }>,
  context: Context,
): Promise<string> {
  const { agent, signal } = context;
  const { role, connection } = move;
  if (points.file === note.back) return note.back;
  await stopForChange(directory, context);
  if (points.file !== note.source || (await fingerprintOf(note.source)) !== note.fingerprint) {
    throw new RolloutError('CHANGED_MEANWHILE', `${points.file} is not ${role} as it was moved`);
  }
  const users = await lossOf(move, note, context);
  if (users === '') return note.source;
  const name = note.back ?? (await freeName(note.source));
  // written down first: what an interrupted attempt left of it is ours to remove
  await writeMoveNote(agent, connection, { ...note, back: name });
  try {
    await makeEmpty(note, name, signal);
    const to = fileEnd(name, sqliteReader(name, signal));
    await migrateCompared({ directory, role, from: await serverEnd(connection, context), to }, context);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RolloutError) || error.retryable) throw error;
    throw new RolloutError('CHANGES_LOST', `${error.message}. On ${note.source} would be lost: ${users}`);
  }
  await likeOriginal(note.source, name);
  await markRestart(agent, `${role} with what users changed`);
  // relative where the old one was
  const written = join(dirname(points.written), basename(name));
  await new Tool(directory, signal).set(MOVED_DATABASES[role].setting.variable, sqliteConnectionString(written));
  return name;
}

/** What users have changed since it was moved, in words; empty where nothing. */
async function lossOf(
  { role, connection }: DatabaseToMove,
  { source, fingerprint }: MoveNote,
  context: Context,
): Promise<string> {
  const { signal } = context;
  const to = await serverEnd(connection, context);
  if (fingerprint === '') {
    const rows = (await rowsOf(to.reader)).filter(({ rows: count }) => count > 0);
    return rows.map(({ table, rows: count }) => `${table} (${count} more)`).join(', ');
  }
  const copy = join(migrationRoom(context), `${role}.db`);
  await copyFrozen(source, copy, signal);
  const difference = await differenceBetween(fileEnd(copy, sqliteReader(copy, signal)), to);
  await rm(copy, { force: true });
  return difference;
}

async function rowsOf(reader: ReturnType<typeof sqliteReader>): Promise<readonly { table: string; rows: number }[]> {
  const found: { table: string; rows: number }[] = [];
  for (const { name, columns } of await reader.tables()) {
    let rows = 0;
    await reader.each(name, [columns[0]?.name ?? ''], () => void (rows += 1));
    found.push({ table: name, rows });
  }
  return found;
}

/** The tables of the old file, without a row: only GroupWare could make its own, and it is stopped. */
async function makeEmpty({ source, fingerprint }: MoveNote, name: string, signal: AbortSignal): Promise<void> {
  if (fingerprint === '')
    throw new RolloutError('MIGRATION_UNKNOWN', `there was no ${source} whose tables could be used`);
  await copyFrozen(source, name, signal);
  const tables = await sqliteReader(name, signal).tables();
  const statements = tables.map((table) => `DELETE FROM ${sqliteName(table.name)}`);
  await onSqlite(name, ['BEGIN', ...statements, 'COMMIT'].join(';\n'), signal);
}

async function freeName(source: string): Promise<string> {
  const kind = extname(source);
  const stem = source.slice(0, source.length - kind.length);
  for (let number = 1; ; number += 1) {
    const name = `${stem}-back-${number}${kind}`;
    const taken = await stat(name).then(
      () => true,
      () => false,
    );
    if (!taken) return name;
  }
}

async function likeOriginal(source: string, name: string): Promise<void> {
  const { uid, gid, mode } = await stat(source);
  await chown(name, uid, gid);
  await chmod(name, mode & 0o7777);
  await makeDurable(name);
}
