import { RolloutError } from '../cluster/errors.js';
import { mysqlConnectionString, mysqlPdo, withoutPassword } from '../icewarp/connection-string.js';
import { awaitGroupware } from '../icewarp/control.js';
import { isInstalled } from '../icewarp/layout.js';
import { Tool } from '../icewarp/tool.js';
import { ACCOUNT, DOMAIN, FACTS, META_DATA, SETTINGS } from '../icewarp/variables.js';
import type { SettingVariable, TableNumber } from '../icewarp/variables.js';
import { identifier } from '../platform/mysql.js';
import type { Database } from '../platform/mysql.js';
import type { Agent } from './agent.js';
import { onDatabase, tableNames, type ConnectionSpec } from './node-database.js';
import type { Context, Resource } from './resource.js';
import { stopForChange } from './restart-marker.js';
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

/** Which setting names the database of a number's tables. */
const SETTING_OF = {
  0: SETTINGS.accountsDatabase,
  2: SETTINGS.groupwareDatabase,
  3: SETTINGS.antispamDatabase,
  4: SETTINGS.directoryCacheDatabase,
  6: SETTINGS.activeSyncDatabase,
} as const satisfies Record<TableNumber, SettingVariable>;

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
    const why = await inUse(ours, desired.directory, context);
    if (why !== null) {
      for (const { connection } of ours) await remember(note, connection, null);
      const names = ours.map(({ connection: { database } }) => database).join(', ');
      return [`the tables in ${names} stay: ${why}`];
    }
    await stopForChange(desired.directory, context);
    for (const table of [...ours].reverse()) {
      await onDatabase(table.connection, context, dropAll);
      await remember(note, table.connection, null);
    }
    return [];
  },
};

/**
 * Makes the tables of one number; what an interrupted attempt left in the then empty database goes first.
 *
 * @throws RolloutError TABLES_FOREIGN when that attempt was long ago and somebody uses them by now.
 */
async function make(table: TableSpec, desired: TablesDesired, context: Context): Promise<void> {
  const { connection, number } = table;
  const note = noteOf(context.agent);
  const cutShort = (await note.read())?.[keyOf(connection)] === 'unfinished';
  if (cutShort) {
    const why = await inUse([table], desired.directory, context);
    if (why !== null) throw new RolloutError('TABLES_FOREIGN', `the tables in ${connection.database} stay: ${why}`);
    await onDatabase(table.connection, context, dropAll);
  }
  await remember(note, connection, 'unfinished');
  const password = await context.agent.secrets.resolve(connection.password.secret, context.signal);
  const text = mysqlConnectionString({ ...connection, password: password.reveal() });
  await new Tool(desired.directory, context.signal).createTables(number, text);
  const names = await onDatabase(table.connection, context, tableNames);
  if (!names.some((name) => name.toLowerCase() === META_DATA)) {
    throw new RolloutError('TABLES_MISSING', `tool made no tables in ${connection.database}`);
  }
  await remember(note, connection, 'made');
}

async function stateOf(table: TableSpec, context: Context): Promise<TablesState> {
  const names = await onDatabase(table.connection, context, tableNames);
  const note = (await noteOf(context.agent).read())?.[keyOf(table.connection)];
  if (note === 'unfinished') return 'unfinished';
  if (names.length === 0) return 'empty';
  return names.some((name) => name.toLowerCase() === META_DATA) ? 'made' : 'foreign';
}

/** Whether the tables of a database are ours: it was empty before we made them, or began to. */
export async function madeByUs(agent: Agent, connection: ConnectionSpec): Promise<boolean> {
  return (await noteOf(agent).read())?.[keyOf(connection)] === 'made';
}

/** In one statement, so that a kill leaves all of them or none: IceWarp on half of them could not name its users. */
export async function dropAll(database: Database): Promise<void> {
  const names = await tableNames(database);
  if (names.length === 0) return;
  await database.run('SET SESSION foreign_key_checks = 0');
  await database.run(`DROP TABLE IF EXISTS ${names.map(identifier).join(', ')}`);
}

/**
 * Why tables of ours are not ours to drop; null when nobody's data can be in them. "No users" counts only from an
 * IceWarp that works on these very databases: one that took its defaults has none either.
 */
async function inUse(ours: readonly TableSpec[], directory: string, context: Context): Promise<string | null> {
  const doubtful: TableSpec[] = [];
  // Without rows they hold nobody's data, whoever works on them; half made, they may keep IceWarp from naming its users.
  for (const table of ours) if (await onDatabase(table.connection, context, holdsRows)) doubtful.push(table);
  if (doubtful.length === 0) return null;
  if (!(await isInstalled(directory))) return `there is no IceWarp in ${directory} to tell whose data is in them`;
  const tool = new Tool(directory, context.signal);
  for (const table of doubtful) {
    if (await isInForce(table, tool)) continue;
    return `IceWarp does not work on ${table.connection.database} now, and cannot tell whose data is in it`;
  }
  const users = await usersOf(tool);
  return users.length === 0 ? null : `there are other domains or accounts, such as ${users[0] ?? ''}`;
}

async function holdsRows(database: Database): Promise<boolean> {
  for (const name of await tableNames(database)) {
    if (name.toLowerCase() === META_DATA) continue;
    if ((await database.rows(`SELECT 1 FROM ${identifier(name)} LIMIT 1`)).length > 0) return true;
  }
  return false;
}

/** Whether IceWarp itself works on the database of these tables. */
async function isInForce({ number, connection }: TableSpec, tool: Tool): Promise<boolean> {
  // Versions before 14 do not say.
  if ((await tool.find(FACTS.defaultConfig)) === '1') return false;
  const setting = SETTING_OF[number];
  const now = withoutPassword((await tool.find(setting.variable)) ?? '');
  const expected =
    setting.kind === 'pdo' ? mysqlPdo(connection) : mysqlConnectionString({ ...connection, password: '' });
  return now === expected;
}

/** Domains and accounts that are left when ours are gone: real users, whose data is not ours to drop. */
async function usersOf(tool: Tool): Promise<readonly string[]> {
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

/** Names a database in a note. */
export function keyOf({ host, port, database }: ConnectionSpec): string {
  return `${host}:${port}/${database}`;
}
