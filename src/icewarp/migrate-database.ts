import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { writeFileAtomic } from '../platform/atomic-file.js';
import { runCommand } from '../platform/run.js';
import { MOVED_DATABASES, type MovedRole } from './database-roles.js';
import { phpIniFile } from './layout.js';

/**
 * UNCONFIRMED, and all that is assumed of IceWarp's `MigrateDatabase(sourcedsn, destdsn, logfile, index)`. The vendor
 * documents the names of its arguments and no more. That it did what is assumed here is not believed but proven each
 * time, by comparing every row.
 */
export const MIGRATE_DATABASE = {
  /** A DSN is the string of six fields that `tool create tables` takes. */
  dsn: 'connection string',
  /** `index` says which tables: the numbers of `tool create tables`. */
  index: (role: MovedRole): number => MOVED_DATABASES[role].tables,
  /** The destination's tables are there before, and empty; rows of MetaData are not copied. */
  tables: 'there before',
  /** What the wrapper returns in PHP when it worked is true. */
  worked: '1',
} as const;

/** Parts of an installation, from its folder, that call the product's functions without its services. */
const PHP = 'scripts/php.sh';
const SHARED_LIBRARY = 'html/_shared/';
const WRAPPER = `${SHARED_LIBRARY}api/api.php`;

/** Milliseconds: a day. What is forecast decides before whether there is time for it. */
const TIMEOUT = 86_400_000;

/** Calls the shipped wrapper. What it is given comes by standard input: nobody sees a password among the arguments. */
const SCRIPT = `<?php
$call = json_decode(stream_get_contents(STDIN), true);
define('SHAREDLIB_PATH', $call['library']);
require $call['wrapper'];
$api = new IceWarpAPI();
$answer = $api->MigrateDatabase($call['source'], $call['destination'], $call['log'], $call['index']);
echo "\\nanswer:" . ($answer === true ? '1' : strval($answer));
`;

export interface Migration {
  /** Where IceWarp is installed. */
  readonly directory: string;
  readonly role: MovedRole;
  /** Connection strings, with passwords. */
  readonly source: string;
  readonly destination: string;
  /** Folder for the script and IceWarp's log of it. */
  readonly room: string;
}

/**
 * Lets IceWarp itself copy the content of one database into another (G13; procedure, rule 13).
 *
 * @throws RolloutError MIGRATION_UNKNOWN where this version has no such function or it does not answer as assumed;
 * MIGRATION_FAILED where it says that it failed. Neither holds a word of its own: those hold connection strings.
 */
export async function migrateDatabase(migration: Migration, signal: AbortSignal): Promise<void> {
  const { directory, role, source, destination, room } = migration;
  for (const part of [PHP, WRAPPER]) {
    const there = await stat(join(directory, part)).then(
      (found) => found.isFile(),
      () => false,
    );
    if (!there) throw unknown(`there is no ${join(directory, part)}`);
  }
  const script = join(room, 'migrate.php');
  const log = join(room, `migrate-${role}.log`);
  await mkdir(room, { recursive: true, mode: 0o700 });
  await writeFileAtomic(script, SCRIPT);
  const call = {
    library: join(directory, SHARED_LIBRARY),
    wrapper: join(directory, WRAPPER),
    source,
    destination,
    log,
    index: MIGRATE_DATABASE.index(role),
  };
  const answer = await callPhp(directory, script, JSON.stringify(call), signal);
  if (answer === MIGRATE_DATABASE.worked) return;
  throw new RolloutError('MIGRATION_FAILED', `IceWarp’s MigrateDatabase did not move ${role}; its log is ${log}`);
}

async function callPhp(directory: string, script: string, input: string, signal: AbortSignal): Promise<string> {
  const args = ['-c', phpIniFile(directory), '-f', script];
  const options = { signal, input, timeout: TIMEOUT, noted: true, cwd: dirname(script) };
  try {
    const { stdout } = await runCommand(join(directory, PHP), args, options);
    const at = stdout.lastIndexOf('\nanswer:');
    if (at < 0) throw unknown('its PHP gave no answer');
    return stdout.slice(at + '\nanswer:'.length).trim();
  } catch (error) {
    signal.throwIfAborted();
    // PHP’s complaint quotes what it was given
    if (error instanceof RolloutError && error.code === 'COMMAND_FAILED') throw unknown('its PHP could not call it');
    throw error;
  }
}

function unknown(why: string): RolloutError {
  return new RolloutError('MIGRATION_UNKNOWN', `IceWarp’s MigrateDatabase cannot be used here: ${why}`);
}
