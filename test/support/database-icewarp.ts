import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openSqlite } from '../../src/lab/standin/database-sqlite.js';
import { apiWrapper } from '../../src/lab/standin/installed-scripts.js';
import type { MigrationFaults } from '../../src/lab/standin/migration.js';
import { createTables } from '../../src/lab/standin/tables.js';
import { fakeIceWarp, type FakeIceWarp } from './fake-icewarp.js';

const TOOL = join(import.meta.dirname, '../activities/fixtures/database-tool.js');

/** The settings whose databases move, and the files that they name, relative to the installation. */
export const OWN_DATABASES = {
  C_System_Storage_Accounts_ODBCConnString: 'config/accounts.db',
  C_GW_ConnectionString: 'calendar/groupware.db',
  C_AS_Challenge_ConnectionString: 'spam/antispam.db',
} as const;

/** An installation whose `create tables` and `MigrateDatabase` work as in the stand-in, with databases of its own. */
export interface DatabaseIceWarp extends FakeIceWarp {
  /** Runs statements on one of its database files. */
  sqlite(file: string, sql: string): string;
  /** What goes wrong in a migration from now on. */
  faults(faults: MigrationFaults): Promise<void>;
  /** What migrations that ended well have said, oldest first. */
  migrations(): Promise<readonly string[]>;
}

const NUMBERS = { 'config/accounts.db': '0', 'calendar/groupware.db': '2', 'spam/antispam.db': '3' };
/** Database files without rows, by number: each is made once. */
const made = new Map<string, Buffer>();

async function makeFile(file: string, number: string): Promise<void> {
  const known = made.get(number);
  if (known !== undefined) return writeFile(file, known);
  await createTables(openSqlite(file, { name: 'root', uid: 0, gid: 0 }), number);
  made.set(number, await readFile(file));
}

/** Makes the installation, with tables in its databases and no rows. */
export async function databaseIceWarp(
  directory: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<DatabaseIceWarp> {
  const strings = Object.entries(OWN_DATABASES).map(([name, file]) => [name, `${file};;;;7;3`] as const);
  const icewarp = await fakeIceWarp(directory, { ...Object.fromEntries(strings), C_GW_IsAvailable: '1', ...variables });
  for (const part of ['calendar', 'spam', 'scripts', 'php', 'html/_shared/api']) {
    await mkdir(join(directory, part), { recursive: true });
  }
  const tool = join(directory, 'tool.sh');
  await rename(tool, join(directory, 'tool-others.sh'));
  const create = `[ "$1 $2" = 'create tables' ] && exec '${process.execPath}' '${TOOL}' tables "$3" "$4"`;
  await writeFile(tool, `#!/bin/sh\n${create}\nexec "$(dirname "$0")/tool-others.sh" "$@"\n`, { mode: 0o755 });
  await writeFile(join(directory, 'scripts/php.sh'), '#!/bin/sh\nexec php "$@"\n', { mode: 0o755 });
  await writeFile(join(directory, 'php/php.ini'), '');
  const wrapper = apiWrapper([process.execPath, TOOL, 'migrate', directory]);
  await writeFile(join(directory, 'html/_shared/api/api.php'), wrapper);
  for (const [file, number] of Object.entries(NUMBERS)) await makeFile(join(directory, file), number);
  return {
    ...icewarp,
    sqlite: (file, sql) => execFileSync('sqlite3', ['-bail', join(directory, file)], { input: sql, encoding: 'utf8' }),
    faults: (faults) => writeFile(join(directory, 'faults.json'), JSON.stringify(faults)),
    migrations: async () => {
      const text = await readFile(join(directory, 'migrations'), 'utf8').catch(() => '');
      return text.split('\n').filter((line) => line !== '');
    },
  };
}
