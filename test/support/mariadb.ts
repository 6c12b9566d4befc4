import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createConnection } from 'mysql2/promise';

import type { DatabaseServer } from '../../src/activities/database-server.js';
import { freePort } from '../../src/lab/ports.js';
import { runCommand } from '../../src/platform/run.js';
import { eventually } from './eventually.js';

/** A MariaDB of the test's own, in a temporary folder, on a loopback address. */
export interface MariaDb {
  readonly host: string;
  readonly port: number;
  readonly administrator: { readonly user: string; readonly password: string };
  /** Runs a statement as administrator and returns its rows. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** Where it is, as steps are told it; the password is that of a secret named "administrator". */
export function accessTo({ host, port, administrator: { user } }: MariaDb): DatabaseServer {
  return { host, port, administrator: { user, password: { secret: 'administrator' } } };
}

const HOST = '127.77.0.40';
const ADMINISTRATOR = { user: 'admin', password: 'it\'s\\ "odd" %_' };

export async function startMariaDb(): Promise<MariaDb> {
  const folder = await mkdtemp('/tmp/icewarp-rollout-db-');
  const port = await freePort([HOST]);
  await runCommand('chown', ['mysql', folder]);
  const config = join(folder, 'my.cnf');
  await writeFile(
    config,
    `[mariadbd]\nuser=mysql\ndatadir=${folder}/data\ntmpdir=${folder}\nsocket=${folder}/db.sock\npid-file=${folder}/db.pid
bind-address=${HOST}\nport=${port}\nskip-name-resolve\ninnodb-buffer-pool-size=32M\ninnodb-log-file-size=8M\n`,
    { mode: 0o644 },
  );
  await runCommand('mariadb-install-db', [`--defaults-file=${config}`, '--skip-test-db', '--force']);
  const { user, password } = ADMINISTRATOR;
  const quoted = password.replace(/['\\]/g, String.raw`\$&`);
  await writeFile(
    join(folder, 'init.sql'),
    `CREATE USER '${user}'@'127.%' IDENTIFIED BY '${quoted}';\nGRANT ALL ON *.* TO '${user}'@'127.%' WITH GRANT OPTION;\n`,
    { mode: 0o644 },
  );
  const args = [`--defaults-file=${config}`, `--init-file=${folder}/init.sql`];
  const server = spawn('mariadbd', args, { stdio: 'ignore' });
  const query = async (sql: string): Promise<Record<string, unknown>[]> => {
    const connection = await createConnection({ host: HOST, port, ...ADMINISTRATOR });
    try {
      return (await connection.query(sql))[0] as Record<string, unknown>[];
    } finally {
      connection.destroy();
    }
  };
  const stop = async (): Promise<void> => {
    await end(server);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await eventually('MariaDB answers', () => {
      if (server.exitCode !== null) throw new Error(`mariadbd ended with ${server.exitCode}`);
      return query('SELECT 1').then(Boolean, () => false);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { host: HOST, port, administrator: ADMINISTRATOR, query, stop };
}

/** Ends a process and waits for its end. */
export async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = once(process, 'exit');
  process.kill('SIGTERM');
  await ended;
}
