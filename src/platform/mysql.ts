import { connect as connectSocket } from 'node:net';

import type { Connection as CoreConnection } from 'mysql2';
import mysql from 'mysql2/promise';
import type { Connection, RowDataPacket } from 'mysql2/promise';

import { databaseFailure } from './mysql-errors.js';

/** Milliseconds until a server that does not answer counts as unreachable. */
const CONNECT_TIMEOUT = 10_000;
/** Milliseconds of silence after which a connection is given up: also the longest statement. */
const SILENCE = 120_000;

/** Who logs on where. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database?: string;
  /** Local address to connect from: grants are per address (G5). */
  readonly from?: string;
}

/** A logged-on connection. Values replace `?` and are escaped; statements never hold a value by other ways. */
export interface Database {
  rows<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  run(sql: string, values?: readonly unknown[]): Promise<void>;
  /** Row after row of a statement, each with its values' bytes as the server sends them: nothing is kept in memory. */
  each(sql: string, row: (values: readonly (Buffer | null)[]) => void): Promise<void>;
}

/**
 * Logs on, lets `work` use the connection, and closes it whatever happens.
 *
 * @throws RolloutError DATABASE_UNREACHABLE, DATABASE_DENIED or DATABASE_FAILED, without any word of the server's: its
 * messages quote statements, and statements hold passwords.
 */
export async function withDatabase<T>(
  login: Login,
  signal: AbortSignal,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const { host, port, from } = login;
  const socket = connectSocket({ host, port, ...(from === undefined ? {} : { localAddress: from }) });
  socket.setNoDelay(true).setTimeout(SILENCE, () => socket.destroy(new Error('silent for too long')));
  // Destroying the socket with an error is what makes a waiting statement fail at once.
  const stop = (): void => void socket.destroy(new Error('cancelled'));
  signal.addEventListener('abort', stop, { once: true });
  let connection: Connection | undefined;
  const attempt = async <R>(action: () => Promise<R>): Promise<R> => {
    try {
      return await action();
    } catch (error) {
      signal.throwIfAborted();
      throw databaseFailure(error, login);
    }
  };
  try {
    const open = (connection = await attempt(() =>
      mysql.createConnection({
        user: login.user,
        password: login.password,
        ...(login.database === undefined ? {} : { database: login.database }),
        stream: () => socket,
        connectTimeout: CONNECT_TIMEOUT,
        charset: 'utf8mb4_general_ci',
      }),
    ));
    const run: Database['run'] = async (sql, values = []) => {
      await attempt(() => open.query(sql, [...values]));
    };
    // Under ANSI_QUOTES or NO_BACKSLASH_ESCAPES the escaping of values would not hold.
    await run("SET SESSION sql_mode = 'STRICT_ALL_TABLES'");
    return await work({
      run,
      rows: async <Row extends object>(sql: string, values: readonly unknown[] = []) => {
        const [rows] = await attempt(() => open.query<(Row & RowDataPacket)[]>(sql, [...values]));
        return rows;
      },
      each: (sql, row) => attempt(() => eachRow(open, sql, row)),
    });
  } finally {
    signal.removeEventListener('abort', stop);
    connection?.destroy();
    socket.destroy();
  }
}

/** Of the promises' connection only the one below it tells rows as they come. */
function eachRow(
  connection: Connection,
  sql: string,
  row: (values: readonly (Buffer | null)[]) => void,
): Promise<void> {
  const { connection: below } = connection as unknown as { readonly connection: CoreConnection };
  return new Promise((resolve, reject) => {
    below
      .query({ sql, rowsAsArray: true, typeCast: false })
      .on('result', (values: unknown) => row(values as (Buffer | null)[]))
      .on('error', reject)
      .on('end', () => resolve());
  });
}

/** A name as SQL writes it. */
export function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/**
 * A database in a GRANT, where `_` and `%` are wildcards: unescaped, a grant on `iw_accounts` would open `iwXaccounts`.
 *
 * @param wildcards - false on a server (MySQL 8 with `partial_revokes`) that takes the name literally.
 */
export function grantPattern(database: string, wildcards = true): string {
  return identifier(wildcards ? database.replace(/[\\_%]/g, String.raw`\$&`) : database);
}

/** Whether this server reads wildcards in the database names of grants; all do but MySQL 8 with `partial_revokes`. */
export async function readsWildcards(database: Database): Promise<boolean> {
  const rows = await database.rows<{ Value: string }>("SHOW GLOBAL VARIABLES LIKE 'partial\\_revokes'");
  return rows[0]?.Value !== 'ON';
}
