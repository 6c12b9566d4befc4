import { resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { mysqlConnectionString, sqliteFileOf, withoutPassword } from '../icewarp/connection-string.js';
import { MOVED_DATABASES, type MovedRole } from '../icewarp/database-roles.js';
import { Tool } from '../icewarp/tool.js';
import { fingerprintOf } from '../platform/sqlite-copy.js';
import type { Agent } from './agent.js';
import type { ConnectionSpec } from './node-database.js';
import { stateFile, type StateFile } from './state-file.js';
import { keyOf } from './tables.js';

/** The content of one database and where it goes. */
export interface DatabaseToMove {
  readonly role: MovedRole;
  readonly connection: ConnectionSpec;
}

/** What is known for certain of one move, from before its first row on. */
export interface MoveNote {
  readonly role: MovedRole;
  readonly state: 'moving' | 'moved';
  /** The file that it moves from, which is never written. */
  readonly source: string;
  /** That file as it was moved; empty: there was none. */
  readonly fingerprint: string;
  readonly rows: number;
  /** Hex sha256 of what was moved. */
  readonly hash: string;
  /** The new file into which what users changed since goes back. */
  readonly back?: string;
}

type Notes = Readonly<Record<string, MoveNote>>;

/** Where a setting points now. */
export type Points =
  | { readonly at: 'file'; readonly file: string; readonly written: string }
  | { readonly at: 'target' }
  | { readonly at: 'elsewhere'; readonly shown: string };

/** Where the setting of a database points now: at a file, at the cluster's database, or at neither. */
export async function pointsAt(
  directory: string,
  { role, connection }: DatabaseToMove,
  signal: AbortSignal,
): Promise<Points> {
  const text = await new Tool(directory, signal).get(MOVED_DATABASES[role].setting.variable);
  const written = sqliteFileOf(text);
  if (written !== null) return { at: 'file', file: resolve(directory, written), written };
  const shown = withoutPassword(text);
  const target = mysqlConnectionString({ ...connection, password: '' });
  return shown === target ? { at: 'target' } : { at: 'elsewhere', shown };
}

export async function moveNote(agent: Agent, connection: ConnectionSpec): Promise<MoveNote | undefined> {
  return (await noteOf(agent).read())?.[keyOf(connection)];
}

/** @param next null: forgotten. */
export async function writeMoveNote(agent: Agent, connection: ConnectionSpec, next: MoveNote | null): Promise<void> {
  const { [keyOf(connection)]: _, ...others } = (await noteOf(agent).read()) ?? {};
  const notes = next === null ? others : { ...others, [keyOf(connection)]: next };
  if (Object.keys(notes).length === 0) await noteOf(agent).remove();
  else await noteOf(agent).write(notes);
}

/** Whether all that a file holds now is in the cluster's database: it was moved, compared, and has not changed since. */
export async function isMoved(agent: Agent, connection: ConnectionSpec, file: string): Promise<boolean> {
  const note = await moveNote(agent, connection);
  return note?.state === 'moved' && note.source === file && note.fingerprint === (await fingerprintOf(file));
}

/**
 * Stands before a switch to a database: nothing that only the old one holds may be left behind.
 *
 * @throws RolloutError ACCOUNTS_PRESENT.
 */
export async function assertMoved(
  directory: string,
  move: DatabaseToMove,
  agent: Agent,
  signal: AbortSignal,
): Promise<void> {
  const points = await pointsAt(directory, move, signal);
  if (points.at === 'target') return;
  if (points.at === 'file' && (await isMoved(agent, move.connection, points.file))) return;
  const from = points.at === 'file' ? points.file : points.shown;
  throw new RolloutError(
    'ACCOUNTS_PRESENT',
    `not all that ${from} holds is in ${move.connection.database}: it was not moved, or has changed since`,
  );
}

function noteOf(agent: Agent): StateFile<Notes> {
  return stateFile<Notes>(agent, 'database-moves');
}
