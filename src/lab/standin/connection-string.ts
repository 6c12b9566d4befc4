import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';

/** The six fields `database;user;password;host;DRIVER;SYNTAX`, reduced to the two drivers whose codes are known. */
export type Connection =
  | { readonly kind: 'sqlite'; readonly file: string }
  | {
      readonly kind: 'mysql';
      readonly database: string;
      readonly user: string;
      readonly password: string;
      readonly host: string;
      readonly port: number;
    };

/** @throws Error when the string has not six fields or another driver than MySQL (3) or SQLite (7). */
export function parseConnection(text: string, installDirectory: string): Connection {
  const fields = text.split(';');
  const [database = '', user = '', password = '', address = '', driver] = fields;
  if (fields.length !== 6 || database === '') throw new Error('a connection string has six fields');
  if (driver === '7') return { kind: 'sqlite', file: resolve(installDirectory, database) };
  if (driver !== '3') throw new Error('the stand-in knows the drivers 3 (MySQL) and 7 (SQLite) only');
  const [host = '', port] = address.split(':');
  return { kind: 'mysql', database, user, password, host, port: Number(port ?? 3306) };
}

/**
 * What a `…_Real` variable shows: everything but the password, which a real server returns encrypted. Here it is
 * noise that differs each time, so that nobody compares it.
 */
export function withoutPassword(text: string): string {
  const fields = text.split(';');
  // a PDO string has no password in it
  if (fields.length === 6 && fields[2]) fields[2] = randomBytes(12).toString('hex');
  return fields.join(';');
}
