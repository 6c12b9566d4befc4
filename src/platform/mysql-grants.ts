import { grantPattern, readsWildcards } from './mysql.js';
import type { Database } from './mysql.js';

/** A database account: the same name from another address is another account. */
export interface DatabaseAccount {
  readonly user: string;
  /** Address from which it logs on. */
  readonly from: string;
}

/** What an account may do. */
export interface Grants {
  /** Per database asked for: the privileges as the server words them, '' when there are none. */
  readonly on: Readonly<Record<string, string>>;
  /** How many other grants and roles it has. */
  readonly others: number;
}

/** How MariaDB and MySQL word everything on a database. */
export const ALL = 'ALL PRIVILEGES';

/** Rights on the whole server that let an account take over the machine, or everybody's databases. */
const POWERS: ReadonlySet<string> = new Set([ALL, 'FILE', 'SHUTDOWN', 'SUPER']);

/** Which of these rights the account has that is logged on. */
export async function powersOf(server: Database): Promise<readonly string[]> {
  const lines = (await server.rows('SHOW GRANTS')).map((row) => parseGrant(String(Object.values(row)[0])));
  const held = lines.filter(({ object }) => object === '*.*').flatMap(({ privileges }) => privileges.split(', '));
  return held.filter((privilege) => POWERS.has(privilege));
}

export async function accountExists(server: Database, { user, from }: DatabaseAccount): Promise<boolean> {
  const rows = await server.rows('SELECT 1 AS found FROM mysql.user WHERE User = ? AND Host = ?', [user, from]);
  return rows.length > 0;
}

/** The grants of an existing account on these databases; what the server says of passwords is left out. */
export async function grantsOf(
  server: Database,
  { user, from }: DatabaseAccount,
  databases: readonly string[],
): Promise<Grants> {
  const wildcards = await readsWildcards(server);
  const wanted = new Map(databases.map((name) => [`${grantPattern(name, wildcards)}.*`, name]));
  const on: Record<string, string> = Object.fromEntries(databases.map((name) => [name, '']));
  let others = 0;
  for (const row of await server.rows('SHOW GRANTS FOR ?@?', [user, from])) {
    const { privileges, object, option } = parseGrant(String(Object.values(row)[0]));
    const name = object === undefined ? undefined : wanted.get(object);
    if (name !== undefined) on[name] = privileges + option;
    else if (privileges !== 'USAGE') others += 1;
  }
  return { on, others };
}

/** Grants everything on one database. */
export async function grantAll(server: Database, account: DatabaseAccount, database: string): Promise<void> {
  await grant(server, account, database, ALL);
}

/** Makes the privileges on one database those of `former`, as an earlier `grantsOf` worded them. */
export async function regrant(
  server: Database,
  account: DatabaseAccount,
  database: string,
  former: string,
): Promise<void> {
  const pattern = grantPattern(database, await readsWildcards(server));
  const { user, from } = account;
  // Fails where there is nothing to revoke, which is where an earlier attempt was interrupted.
  const { on } = await grantsOf(server, account, [database]);
  if (on[database] !== '') await server.run(`REVOKE ALL PRIVILEGES ON ${pattern}.* FROM ?@?`, [user, from]);
  if (former !== '') await grant(server, account, database, former);
}

async function grant(server: Database, { user, from }: DatabaseAccount, database: string, text: string): Promise<void> {
  const [, privileges, option = ''] = /^([A-Z, ]+?)( WITH GRANT OPTION)?$/.exec(text) ?? [];
  if (privileges === undefined) throw new RangeError('privileges are words in capitals');
  const pattern = grantPattern(database, await readsWildcards(server));
  await server.run(`GRANT ${privileges} ON ${pattern}.* TO ?@?${option}`, [user, from]);
}

/** `GRANT privileges ON object TO account [WITH GRANT OPTION]`; a role is granted without an object. */
function parseGrant(line: string): { privileges: string; object: string | undefined; option: string } {
  const [, privileges = '', object] = /^GRANT (.+?) ON (.+?) TO /.exec(line) ?? [];
  return { privileges, object, option: line.endsWith(' WITH GRANT OPTION') ? ' WITH GRANT OPTION' : '' };
}
