import type { Connection } from './connection-string.js';
import type { SystemUser } from './system-user.js';

export type Value = string | number;
export type Row = Readonly<Record<string, Value | null>>;

export interface Database {
  readonly kind: Connection['kind'];
  /** Runs ONE statement; `?` stands for the next value. */
  run(sql: string, values?: readonly Value[]): Promise<readonly Row[]>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** The node's own address: grants per address are meant to be felt. */
  readonly localAddress: string;
  /** `C_System_MySQLDefaultCharset`; empty = the driver's default. */
  readonly charset: string;
  /** Owner of an SQLite file that is created. */
  readonly owner: SystemUser;
}

/** Opens lazily: a wrong password or an absent server shows at the first statement. */
export async function openDatabase(connection: Connection, options: DatabaseOptions): Promise<Database> {
  // Only what is needed is loaded: `tool` runs for every single value.
  if (connection.kind === 'sqlite') {
    const { openSqlite } = await import('./database-sqlite.js');
    return openSqlite(connection.file, options.owner);
  }
  const { openMysql } = await import('./database-mysql.js');
  return openMysql(connection, options);
}
