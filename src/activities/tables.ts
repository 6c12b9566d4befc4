import { RolloutError } from '../cluster/errors.js';
import { mysqlConnectionString } from '../icewarp/connection-string.js';
import { awaitGroupware } from '../icewarp/control.js';
import { isInstalled } from '../icewarp/layout.js';
import { Tool } from '../icewarp/tool.js';
import { ACCOUNT, DOMAIN } from '../icewarp/variables.js';
import type { TableNumber } from '../icewarp/variables.js';
import { identifier, withDatabase } from '../platform/mysql.js';
import type { Database } from '../platform/mysql.js';
import type { Agent } from './agent.js';
import type { Context, Resource } from './resource.js';
import { stopForChange } from './restart-marker.js';
import type { ConnectionSpec } from './settings.js';
import { stateFile } from './state-file.js';
import type { StateFile } from './state-file.js';

export interface TableSpec {
  readonly number: TableNumber;
  readonly connection: ConnectionSpec;
}

/** IceWarp's tables in empty databases (G12; procedure, rule 12). */
export interface TablesDesired {
  readonly directory: string;
  readonly tables: readonly TableSpec[];
  /** Made by the running GroupWare (2, 6), or with services stopped (0, 3, 4). */
  readonly running: boolean;
}

/** `unfinished`: ours, but cut short. `foreign`: tables that are not IceWarp's. */
export type TablesState = 'empty' | 'unfinished' | 'made' | 'foreign';

export interface TablesObserved {
  readonly states: Readonly<Record<string, TablesState>>;
}

/** Databases that were empty before we made tables in them. */
type Made = Readonly<Record<string, 'unfinished' | 'made'>>;

/** The table by whose presence IceWarp's own scripts tell that the others are there. */
const META_DATA = 'metadata';

export const tables: Resource<TablesDesired, TablesObserved, 'node'> = {
  place: 'node',

  async observe(desired, context) {
    if (!(await isInstalled(desired.directory))) return null;
    const states: Record<string, TablesState> = {};
    try {
      for (const table of desired.tables) states[table.connection.database] = await stateOf(table, context);
    } catch (error) {
      // Before the rollout has made database and account, that is what the server answers.
      if (error instanceof RolloutError && error.code === 'DATABASE_DENIED') return null;
      throw error;
    }
    return { states };
  },

  diff(desired, observed) {
    return desired.tables.flatMap(({ connection: { database } }) => {
      const before = observed === null ? 'unknown' : (observed.states[database] ?? 'unknown');
      return before === 'made' ? [] : [{ what: `tables in ${database}`, before, after: 'made' }];
    });
  },

  async apply(desired, context) {
    const { directory, running } = desired;
    const states = await Promise.all(desired.tables.map((table) => stateOf(table, context)));
    desired.tables.forEach(({ connection: { database } }, index) => {
      if (states[index] === 'foreign') {
        throw new RolloutError('TABLES_FOREIGN', `${database} holds tables that are not IceWarp’s`);
      }
    });
    const missing = desired.tables.filter((_, index) => states[index] !== 'made');
    if (missing.length === 0) return;
    if (running) await awaitGroupware(directory, context.signal);
    else await stopForChange(directory, context);
    for (const table of missing) await make(table, desired, context);
  },

  async restore(desired, _before, context) {
    const note = noteOf(context.agent);
    const made = (await note.read()) ?? {};
    const ours = desired.tables.filter(({ connection }) => made[keyOf(connection)] !== undefined);
    if (ours.length === 0) return [];
    const users = (await isInstalled(desired.directory)) ? await usersOf(desired.directory, context) : [];
    if (users.length > 0) {
      for (const { connection } of ours) await remember(note, connection, null);
      const names = ours.map(({ connection: { database } }) => database).join(', ');
      return [`the tables in ${names} stay: there are other domains or accounts, such as ${users[0] ?? ''}`];
    }
    if (await isInstalled(desired.directory)) await stopForChange(desired.directory, context);
    for (const table of [...ours].reverse()) {
      await onDatabase(table, context, dropAll);
      await remember(note, table.connection, null);
    }
    return [];
  },
};

/** Makes the tables of one number; what an interrupted attempt left in the then empty database goes first. */
async function make(table: TableSpec, desired: TablesDesired, context: Context): Promise<void> {
  const { connection, number } = table;
  const note = noteOf(context.agent);
  const cutShort = (await note.read())?.[keyOf(connection)] === 'unfinished';
  if (cutShort) await onDatabase(table, context, dropAll);
  await remember(note, connection, 'unfinished');
  const password = await context.agent.secrets.resolve(connection.password.secret, context.signal);
  const text = mysqlConnectionString({ ...connection, password });
  await new Tool(desired.directory, context.signal).createTables(number, text);
  const names = await onDatabase(table, context, tableNames);
  if (!names.some((name) => name.toLowerCase() === META_DATA)) {
    throw new RolloutError('TABLES_MISSING', `tool made no tables in ${connection.database}`);
  }
  await remember(note, connection, 'made');
}

async function stateOf(table: TableSpec, context: Context): Promise<TablesState> {
  const names = await onDatabase(table, context, tableNames);
  const note = (await noteOf(context.agent).read())?.[keyOf(table.connection)];
  if (note === 'unfinished') return 'unfinished';
  if (names.length === 0) return 'empty';
  return names.some((name) => name.toLowerCase() === META_DATA) ? 'made' : 'foreign';
}

async function onDatabase<T>(
  { connection }: TableSpec,
  { agent, signal }: Context,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const { host, port, user, database } = connection;
  const password = await agent.secrets.resolve(connection.password.secret, signal);
  // Grants are per node address (G5).
  const { address } = agent.config;
  const login = { host, port, user, database, password, ...(address === undefined ? {} : { from: address }) };
  return withDatabase(login, signal, work);
}

async function tableNames(database: Database): Promise<readonly string[]> {
  const rows = await database.rows<{ name: string }>(
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME',
  );
  return rows.map(({ name }) => name);
}

async function dropAll(database: Database): Promise<void> {
  const names = await tableNames(database);
  if (names.length === 0) return;
  await database.run('SET SESSION foreign_key_checks = 0');
  for (const name of names) await database.run(`DROP TABLE IF EXISTS ${identifier(name)}`);
}

/** Domains and accounts that are left when ours are gone: real users, whose data is not ours to drop. */
async function usersOf(directory: string, { signal }: Context): Promise<readonly string[]> {
  const tool = new Tool(directory, signal);
  const accounts = await tool.names('account', ACCOUNT.administrator);
  return accounts.length > 0 ? accounts : tool.names('domain', DOMAIN.administrator);
}

function noteOf(agent: Agent): StateFile<Made> {
  return stateFile<Made>(agent, 'tables');
}

async function remember(
  note: StateFile<Made>,
  connection: ConnectionSpec,
  state: 'unfinished' | 'made' | null,
): Promise<void> {
  const { [keyOf(connection)]: _, ...others } = (await note.read()) ?? {};
  const next = state === null ? others : { ...others, [keyOf(connection)]: state };
  if (Object.keys(next).length === 0) await note.remove();
  else await note.write(next);
}

function keyOf({ host, port, database }: ConnectionSpec): string {
  return `${host}:${port}/${database}`;
}
