import type { Lead } from '../cluster/clocks.js';
import { META_DATA } from '../icewarp/variables.js';
import type { Database } from '../platform/mysql.js';
import { powersOf } from '../platform/mysql-grants.js';
import { leadOver } from './clock.js';
import { asAdministrator, type DatabaseServer } from './database-server.js';
import type { Procedure } from './resource.js';

export interface DatabasePreflightInput extends DatabaseServer {
  /** The cluster's own account. */
  readonly user: string;
  readonly databases: readonly string[];
}

/** One of the wanted databases, where it exists already. */
export interface DatabaseThere {
  readonly name: string;
  readonly collation: string;
  readonly tables: number;
  /** IceWarp made its tables: the one that it keeps their version in is there. */
  readonly icewarp: boolean;
}

/** What the database server shows before anything on it is changed: under 2 kB. */
export interface DatabasePreflight {
  /** Such as 10.11.6-MariaDB. */
  readonly version: string;
  readonly maxConnections: number;
  /** Bytes. */
  readonly maxAllowedPacket: number;
  readonly lowerCaseTableNames: number;
  readonly engine: string;
  /** Accounts of the cluster's name, or without one, with the addresses that they may come from. */
  readonly accounts: readonly { readonly user: string; readonly from: string }[];
  readonly databases: readonly DatabaseThere[];
  /** Rights on the whole server that the administrator has and no rollout needs. */
  readonly powers?: readonly string[];
  /** How far the control machine's clock is ahead of the server's (B12). */
  readonly clock: Lead;
}

/** More accounts of one name are cut: the answer goes into history. */
const MOST = 8;
/** Longest of what an account may come from: an IPv6 address, or an IPv4 network with its mask. */
const LONGEST = 40;

/** Looks at the database server before the first change (procedure, rule 13). Changes nothing. */
export const databasePreflight: Procedure<DatabasePreflightInput, DatabasePreflight, 'control'> = {
  place: 'control',
  run: (input, context) =>
    asAdministrator(input, context, async (server) => ({
      ...(await settingsOf(server)),
      accounts: await accountsOf(server, input.user),
      powers: await powersOf(server),
      databases: await databasesOf(server, input.databases),
      clock: await leadOver(server),
    })),
};

async function settingsOf(
  server: Database,
): Promise<Omit<DatabasePreflight, 'accounts' | 'databases' | 'powers' | 'clock'>> {
  const [row] = await server.rows<Record<'version' | 'engine', string> & Record<'most' | 'packet' | 'folded', number>>(
    `SELECT VERSION() AS version, @@GLOBAL.max_connections AS most, @@GLOBAL.max_allowed_packet AS packet,
       @@GLOBAL.lower_case_table_names AS folded, @@GLOBAL.default_storage_engine AS engine`,
  );
  return {
    version: (row?.version ?? '').slice(0, 60),
    maxConnections: Number(row?.most),
    maxAllowedPacket: Number(row?.packet),
    lowerCaseTableNames: Number(row?.folded),
    engine: (row?.engine ?? '').slice(0, 30),
  };
}

async function accountsOf(server: Database, user: string): Promise<DatabasePreflight['accounts']> {
  // the patterns first: they are what is looked for, and a list of single addresses may be long
  const rows = await server.rows<{ user: string; from: string }>(
    `SELECT User AS user, Host AS \`from\` FROM mysql.user WHERE User IN ('', ?)
       ORDER BY Host REGEXP '[%_/]' DESC, User, Host LIMIT ${MOST}`,
    [user],
  );
  return rows.map((row) => ({ user: row.user, from: row.from.slice(0, LONGEST) }));
}

async function databasesOf(server: Database, wanted: readonly string[]): Promise<readonly DatabaseThere[]> {
  const rows = await server.rows<{ name: string; collation: string; tables: number; marks: string | number }>(
    `SELECT s.SCHEMA_NAME AS name, s.DEFAULT_COLLATION_NAME AS collation, COUNT(t.TABLE_NAME) AS tables,
       COALESCE(SUM(LOWER(t.TABLE_NAME) = ?), 0) AS marks
       FROM information_schema.SCHEMATA s LEFT JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = s.SCHEMA_NAME
       WHERE s.SCHEMA_NAME IN (${wanted.map(() => '?').join(', ')})
       GROUP BY s.SCHEMA_NAME, s.DEFAULT_COLLATION_NAME ORDER BY s.SCHEMA_NAME`,
    [META_DATA, ...wanted],
  );
  return rows.map(({ name, collation, tables, marks }) => ({
    name,
    collation,
    tables,
    icewarp: Number(marks) > 0,
  }));
}
