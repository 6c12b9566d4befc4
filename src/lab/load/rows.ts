import type { Lab } from '../handle.js';
import { expectedRows, INSTALLATION, type Rows } from '../production/content.js';
import type { OldServerSize } from '../production/old-server.js';
import { parseConnection, type Connection } from '../standin/connection-string.js';
import { NAME } from '../standin/variables.js';
import type { Problem } from './compare.js';

type Role = keyof Rows;

/** What of each database has to be as it was: in columns that no start of the server and no password changes. */
const LOOKS: Readonly<Record<Role, { readonly variable: string; readonly select: string }>> = {
  accounts: { variable: NAME.accounts, select: 'SELECT mailbox, domain, admin, path FROM Users' },
  groupware: { variable: NAME.groupware, select: 'SELECT id, content FROM Items' },
  antispam: { variable: NAME.antispam, select: 'SELECT sender, verdict FROM Senders' },
};

const ROLES = Object.keys(LOOKS) as Role[];

/** Accounts that a rollout makes for its probes: nobody's mail is theirs. */
const PROBE = /^\["probe-\d+"/;

export interface RowsFound {
  readonly problems: readonly Problem[];
  /** Where each database in force is: a file of node A, or a database of the server. */
  readonly places: Readonly<Record<Role, string>>;
}

/**
 * Compares accounts, entries in calendars with the files that belong to them, and white and black lists, in the databases
 * that node A has in force, with what there was at first: by the databases' own clients.
 */
export async function checkRows(lab: Lab, size: OldServerSize): Promise<RowsFound> {
  const expected = expectedRows(size);
  const problems: Problem[] = [];
  const places: Partial<Record<Role, string>> = {};
  for (const role of ROLES) {
    const { variable, select } = LOOKS[role];
    const connection = await inForce(lab, variable);
    const where = connection.kind === 'sqlite' ? connection.file : connection.database;
    places[role] = where;
    const found = await rowsOf(lab, connection, select);
    problems.push(...compareRows(where, expected[role], found));
  }
  return { problems, places: places as Record<Role, string> };
}

/** Each row once, and no other. Pure. */
export function compareRows(where: string, expected: readonly string[], found: readonly string[]): Problem[] {
  const count = new Map<string, number>();
  for (const row of found) count.set(row, (count.get(row) ?? 0) + 1);
  const wanted = new Set(expected);
  const problems: Problem[] = [];
  for (const row of wanted) {
    const times = count.get(row) ?? 0;
    if (times === 0) problems.push({ what: 'lost', where, name: row, detail: 'no such row' });
    if (times > 1) problems.push({ what: 'twice', where, name: row, detail: `there ${times} times` });
  }
  for (const row of count.keys()) {
    if (wanted.has(row) || PROBE.test(row)) continue;
    problems.push({ what: 'stranger', where, name: row, detail: 'no row that was there, or not as it was' });
  }
  return problems;
}

async function inForce(lab: Lab, variable: string): Promise<Connection> {
  const { stdout } = await lab.machine('A').run(`${INSTALLATION}/tool.sh`, ['get', 'system', variable]);
  return parseConnection(stdout.slice(stdout.indexOf(':') + 1).trim(), INSTALLATION);
}

async function rowsOf(lab: Lab, connection: Connection, select: string): Promise<string[]> {
  const rows =
    connection.kind === 'mysql'
      ? await lab.sql(select.replace(/FROM /, `FROM ${connection.database}.`))
      : await sqliteRows(lab, connection.file, select);
  return rows.map((row) => JSON.stringify(Object.values(row as object).map((value: unknown) => value ?? '')));
}

async function sqliteRows(lab: Lab, file: string, select: string): Promise<readonly unknown[]> {
  const { stdout } = await lab.machine('A').run('sqlite3', ['-readonly', '-json', file, select]);
  return stdout.trim() === '' ? [] : (JSON.parse(stdout) as unknown[]);
}
