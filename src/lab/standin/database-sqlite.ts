import { execFile } from 'node:child_process';
import { chownSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

import type { Database, Row, Value } from './database.js';
import type { SystemUser } from './system-user.js';

/** A database file, through the `sqlite3` command: each statement is one process, so nothing is left open. */
export function openSqlite(file: string, owner: SystemUser): Database {
  return {
    kind: 'sqlite',
    run(sql, values = []) {
      createWithOwner(file, owner);
      return query(file, bind(sql, values));
    },
    close: () => Promise.resolve(),
  };
}

/** SQLite would create the file as the caller, and a service could not write what an administrator's `tool` made. */
function createWithOwner(file: string, owner: SystemUser): void {
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true });
  closeSync(openSync(file, 'a', 0o600));
  if (process.getuid?.() === 0) chownSync(file, owner.uid, owner.gid);
}

function bind(sql: string, values: readonly Value[]): string {
  const rest = [...values];
  return sql.replace(/\?/g, () => quote(rest.shift() ?? ''));
}

function quote(value: Value): string {
  if (typeof value === 'number') return String(value);
  if (value.includes('\0')) throw new Error('a value for the database holds a NUL character');
  return `'${value.replaceAll("'", "''")}'`;
}

function query(file: string, sql: string): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    // The statement goes through standard input, because it may hold a password's hash.
    const child = execFile(
      'sqlite3',
      ['-batch', '-bail', '-json', '-cmd', '.timeout 5000', file],
      { maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`SQLite: ${stderr.trim() || error.message}`));
        else resolve(stdout.trim() === '' ? [] : (JSON.parse(stdout) as Row[]));
      },
    );
    child.stdin?.end(`${sql};\n`);
  });
}
