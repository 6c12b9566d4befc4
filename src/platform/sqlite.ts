import { copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { runCommand } from './run.js';

/** Bytes; a larger file is not copied just to be looked at. */
const LARGEST = 2_000_000_000;
/** Milliseconds for one statement. */
const TIMEOUT = 120_000;

/** Why a file was not read, in words. */
export interface Unread {
  readonly unread: string;
}

/** Asks a copied database. Rows are lines; fields are separated by `|`, so statements have to select no text as it is. */
export type AskSqlite = (sql: string) => Promise<readonly string[]>;

/**
 * Reads a database that a running server may be writing: from a copy, so that nobody waits for us. The copy may be torn;
 * then the answer is that it could not be read.
 *
 * @param room folder for the copy, which is private and removed afterwards.
 */
export async function onSqliteCopy<T>(
  file: string,
  room: string,
  signal: AbortSignal,
  work: (ask: AskSqlite) => Promise<T>,
): Promise<T | Unread> {
  const size = await stat(file).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );
  if (size === null) return { unread: 'there is no such file' };
  if (size > LARGEST) return { unread: 'it is larger than 2 GB' };
  await mkdir(room, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(room, 'sqlite-'));
  try {
    const copy = join(folder, 'copy.db');
    await copyFile(file, copy);
    // what is not in the file itself yet; where there is none, everything is
    await copyFile(`${file}-wal`, `${copy}-wal`).catch(() => undefined);
    return await work(async (sql) => {
      const options = { signal, timeout: TIMEOUT, input: `${sql};\n` };
      const { stdout } = await runCommand('sqlite3', ['-batch', '-bail', copy], options);
      return stdout === '' ? [] : stdout.split('\n');
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RolloutError && error.code === 'COMMAND_MISSING') return { unread: 'there is no sqlite3' };
    if (error instanceof RolloutError) return { unread: 'it could not be read' };
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
