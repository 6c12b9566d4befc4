import type { Database } from './database.js';

/**
 * The numbers of `tool create tables` and what each creates. `MetaData` is real (its presence is how IceWarp's own
 * scripts tell that tables exist); the other names and columns are the stand-in's own.
 */
const TABLES: Readonly<Record<string, { readonly about: string; readonly statements: readonly string[] }>> = {
  '0': {
    about: 'accounts',
    statements: [
      'CREATE TABLE IF NOT EXISTS Domains (domain VARCHAR(128) PRIMARY KEY, admin_email VARCHAR(255))',
      `CREATE TABLE IF NOT EXISTS Users (mailbox VARCHAR(64), domain VARCHAR(128), password VARCHAR(255),
         admin INTEGER, path VARCHAR(255), PRIMARY KEY (mailbox, domain))`,
      'CREATE TABLE IF NOT EXISTS MasterJobs (period INTEGER, server_id VARCHAR(16), host VARCHAR(128))',
    ],
  },
  '2': { about: 'GroupWare', statements: ['CREATE TABLE IF NOT EXISTS Items (id INTEGER PRIMARY KEY, content TEXT)'] },
  '3': {
    about: 'antispam',
    statements: ['CREATE TABLE IF NOT EXISTS Senders (sender VARCHAR(255) PRIMARY KEY, verdict INTEGER)'],
  },
  '4': {
    about: 'directory cache',
    statements: [
      'CREATE TABLE IF NOT EXISTS Folders (folder VARCHAR(255) PRIMARY KEY, messages INTEGER, bytes BIGINT)',
    ],
  },
  '6': { about: 'ActiveSync', statements: ['CREATE TABLE IF NOT EXISTS Devices (device VARCHAR(128) PRIMARY KEY)'] },
};

/** Numbers whose tables only a running GroupWare service can create. */
export const NEEDS_GROUPWARE: ReadonlySet<string> = new Set(['2', '6']);

export const TABLE_NUMBERS = Object.keys(TABLES);

/** The tables of one number that hold something: all but `MetaData`, which describes them. */
export function contentTables(number: string): readonly string[] {
  const names = TABLES[number]?.statements.map((statement) => /EXISTS (\w+)/.exec(statement)?.[1] ?? '');
  if (names === undefined) throw new Error(`no tables are known under number ${number}`);
  return names;
}

/** Creates the tables of one number; those that exist stay as they are. */
export async function createTables(database: Database, number: string): Promise<void> {
  const set = TABLES[number];
  if (set === undefined) throw new Error(`no tables are known under number ${number}`);
  await database.run('CREATE TABLE IF NOT EXISTS MetaData (name VARCHAR(64) PRIMARY KEY, value VARCHAR(255))');
  for (const statement of set.statements) await database.run(statement);
  await database.run('DELETE FROM MetaData WHERE name = ?', ['tables']);
  await database.run('INSERT INTO MetaData (name, value) VALUES (?, ?)', ['tables', set.about]);
}
