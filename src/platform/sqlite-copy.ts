import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { RolloutError } from '../cluster/errors.js';
import { syncDirectory } from './atomic-file.js';
import { roomFor } from './folders.js';
import { runCommand } from './run.js';

/** What lies beside a database file and belongs to it: what is not in it yet, or has to be taken back. */
const BESIDE = ['', '-wal', '-journal'] as const;
/** Milliseconds for one statement or copy. */
const TIMEOUT = 3_600_000;
/** Milliseconds that a copy waits for a writer. */
const BUSY = 20_000;

/**
 * A consistent copy of a database that a server goes on writing: its own backup, which takes no lock for longer than a
 * few pages. The original is opened for reading only.
 *
 * @returns bytes of the copy.
 * @throws RolloutError NO_ROOM, COMMAND_FAILED, COMMAND_MISSING.
 */
export async function copyLive(file: string, to: string, signal: AbortSignal): Promise<number> {
  await makeRoom(file, to);
  const commands = `.timeout ${BUSY}\n.backup '${to.replaceAll("'", "''")}'\n`;
  await runCommand('sqlite3', ['-batch', '-bail', '-readonly', file], { signal, timeout: TIMEOUT, input: commands });
  await makeDurable(to);
  return (await stat(to)).size;
}

/**
 * A plain copy of a database that nobody writes, with what lies beside it. The original is not opened as a database, so
 * that not even SQLite's own tidying touches it.
 *
 * @throws RolloutError NO_ROOM; CHANGED_MEANWHILE when it changed while it was copied; COPY_DIFFERS when the copy, read
 * again, is not what was read.
 */
export async function copyFrozen(file: string, to: string, signal: AbortSignal): Promise<void> {
  await makeRoom(file, to);
  const before = await fingerprintOf(file);
  for (const part of BESIDE) {
    await copyPart(file + part, to + part, signal).catch((error: unknown) => {
      if (part === '' || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }
  if ((await fingerprintOf(file)) !== before) {
    throw new RolloutError('CHANGED_MEANWHILE', `${file} changed while it was copied: something still writes to it`);
  }
  // takes in what lies beside it, so that the copy is one file
  await onSqlite(to, 'PRAGMA journal_mode = DELETE', signal);
  await makeDurable(to);
}

/** Tells one state of a database file from another: its parts' inodes, sizes and times. Empty where there is none. */
export async function fingerprintOf(file: string): Promise<string> {
  const parts: string[] = [];
  for (const part of BESIDE) {
    const found = await stat(file + part, { bigint: true }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    });
    if (found === null && part === '') return '';
    parts.push(found === null ? '' : `${found.ino}.${found.size}.${found.mtimeNs}`);
  }
  return parts.join(' ');
}

/** Runs statements on a database of ours; the rows that they select, as lines. */
export async function onSqlite(file: string, sql: string, signal: AbortSignal): Promise<readonly string[]> {
  const { stdout } = await runCommand('sqlite3', ['-batch', '-bail', file], {
    signal,
    timeout: TIMEOUT,
    input: `${sql};\n`,
  });
  return stdout === '' ? [] : stdout.split('\n');
}

/** As {@link onSqlite}, row after row. */
export async function eachSqliteRow(
  file: string,
  sql: string,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const options = { signal, timeout: TIMEOUT, input: `${sql};\n`, onLine };
  await runCommand('sqlite3', ['-batch', '-bail', '-readonly', file], options);
}

/** A name as SQLite writes it. */
export const sqliteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A copy is made beside others of ours; what an earlier attempt left of it goes first. */
async function makeRoom(file: string, to: string): Promise<void> {
  const folder = dirname(to);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const part of [...BESIDE, '-shm']) await rm(to + part, { force: true });
  let bytes = 0;
  for (const part of BESIDE) {
    bytes += await stat(file + part).then(
      ({ size }) => size,
      () => 0,
    );
  }
  const room = await roomFor(folder);
  if (room.bytes > bytes * 1.2) return;
  throw new RolloutError('NO_ROOM', `${folder} has ${room.bytes} bytes free; a copy of ${file} takes ${bytes}`);
}

async function copyPart(file: string, to: string, signal: AbortSignal): Promise<void> {
  const original = await open(file, 'r');
  const read = createHash('sha256');
  const source = original.createReadStream().on('data', (chunk) => void read.update(chunk));
  await pipeline(source, createWriteStream(to, { mode: 0o600 }), { signal });
  const written = createHash('sha256');
  await pipeline(createReadStream(to), written, { signal });
  if (read.digest('hex') !== written.digest('hex'))
    throw new RolloutError('COPY_DIFFERS', `${to} differs from ${file}`);
}

/** A database file, and that it has its name, survive a power cut. */
export async function makeDurable(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncDirectory(dirname(file));
}
