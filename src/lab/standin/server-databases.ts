import { existsSync } from 'node:fs';

import { parseConnection } from './connection-string.js';
import { openDatabase, type Database } from './database.js';
import type { Server } from './server.js';
import { createTables } from './tables.js';
import { NAME } from './variables.js';

/** Opens what a connection string names, as this node. */
export function connect({ installation, machine, settings }: Server, connectionString: string): Promise<Database> {
  return openDatabase(parseConnection(connectionString, installation.directory), {
    localAddress: machine.address,
    charset: settings.get(NAME.charset),
    owner: installation.processUser,
  });
}

/** Opens a database of the settings. An SQLite file that is not there yet gets its tables, as on a real first start;
 * an external database never does: that is what `tool create tables` is for. */
async function open(server: Server, variable: string, tables: string): Promise<Database> {
  const connection = parseConnection(server.settings.get(variable), server.installation.directory);
  const isNew = connection.kind === 'sqlite' && !existsSync(connection.file);
  const database = await connect(server, server.settings.get(variable));
  if (isNew) await createTables(database, tables);
  return database;
}

export const openAccountsDatabase = (server: Server): Promise<Database> => open(server, NAME.accounts, '0');
export const openDirectoryCache = (server: Server): Promise<Database> => open(server, NAME.directoryCache, '4');

/** What a first start leaves behind: the default databases that are still SQLite. */
export async function createDefaultDatabases(server: Server): Promise<void> {
  const wanted = [
    [NAME.accounts, '0'],
    [NAME.groupware, '2'],
    [NAME.antispam, '3'],
    [NAME.directoryCache, '4'],
  ] as const;
  for (const [variable, tables] of wanted) {
    if (!server.settings.get(variable).endsWith(';7;3')) continue;
    const database = await open(server, variable, tables);
    await database.close();
  }
}
