import { RolloutError } from '../cluster/errors.js';

/** A MySQL database as IceWarp's settings name it. */
export interface MysqlConnection {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

/** The six fields `database;user;password;host;DRIVER;SYNTAX` as they stand. */
export interface ConnectionFields {
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly host: string;
  readonly driver: string;
  readonly syntax: string;
}

/** Codes of the two drivers that are known. */
const MYSQL = { driver: '3', syntax: '2' } as const;

const SQLITE = { driver: '7', syntax: '3' } as const;

/** The port that is not written. */
const MYSQL_PORT = 3306;

/** Splits a connection string; null when it has not six fields. */
export function parseConnectionString(text: string): ConnectionFields | null {
  const fields = text.split(';');
  if (fields.length !== 6) return null;
  const [database = '', user = '', password = '', host = '', driver = '', syntax = ''] = fields;
  return { database, user, password, host, driver, syntax };
}

/**
 * The inverse of {@link parseConnectionString}.
 *
 * @throws RolloutError SECRET_UNUSABLE when a field would break out of its place; schema and secrets refuse it before.
 */
export function printConnectionString(fields: ConnectionFields): string {
  const { database, user, password, host, driver, syntax } = fields;
  const parts = [database, user, password, host, driver, syntax];
  if (parts.some((part) => part.includes(';'))) throw breaks();
  return parts.join(';');
}

function breaks(): RolloutError {
  return new RolloutError('SECRET_UNUSABLE', 'a field of a connection string holds ";", "|" or a line break');
}

/**
 * The six fields of a MySQL database; the port only where it is not MySQL's own.
 *
 * @throws RolloutError SECRET_UNUSABLE when a field would break out of its place.
 */
export function mysqlConnectionString({ host, port, database, user, password }: MysqlConnection): string {
  if ([host, database, user, password].some((field) => /[;|\r\n\0]/.test(field))) throw breaks();
  const at = port === MYSQL_PORT ? host : `${host}:${port}`;
  return printConnectionString({ database, user, password, host: at, ...MYSQL });
}

/** The six fields of an SQLite file. */
export function sqliteConnectionString(file: string): string {
  return printConnectionString({ database: file, user: '', password: '', host: '', ...SQLITE });
}

/** The file that a connection string names; null where it names no SQLite file. A relative one is IceWarp's own. */
export function sqliteFileOf(text: string): string | null {
  const fields = parseConnectionString(text);
  return fields?.syntax === SQLITE.syntax && fields.database !== '' ? fields.database : null;
}

/** The PDO form of a MySQL database; user and password have variables of their own. */
export function mysqlPdo({ host, port, database }: Omit<MysqlConnection, 'user' | 'password'>): string {
  return `mysql:host=${host};port=${port};dbname=${database}`;
}

/**
 * What may be shown and compared of a connection: a server may return the password encrypted, so that it proves
 * nothing. A text that has neither known form may hold anything, and is only told from an empty one.
 */
export function withoutPassword(text: string): string {
  if (text === '') return '';
  const fields = /^\w+:/.test(text) ? null : parseConnectionString(text);
  if (fields !== null) return printConnectionString({ ...fields, password: '' });
  const pdo = /^(mysql|sqlite):[^\s]*$/.test(text) && !/pass|pwd/i.test(text);
  return pdo ? text : '(a connection in a form of its own)';
}
