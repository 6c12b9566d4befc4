import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';

import { createConnection } from 'mysql2/promise';

import { RolloutError } from '../cluster/errors.js';
import type { DaemonPlan } from './daemon.js';
import { DATABASE_ADMINISTRATOR } from './layout.js';
import type { Machine } from './machine.js';
import { waitReady } from './reachable.js';

const CONFIG = '/etc/mysql/lab.cnf';
const DATA = '/var/lib/mysql';
const LOG = '/var/log/mariadb.log';

/** Where the administrator connects from and with what. */
export interface DatabaseAccess {
  readonly address: string;
  readonly port: number;
  /** The only address from which the administrator may connect. */
  readonly controlAddress: string;
  readonly password: string;
}

/** MariaDB on the database machine, as a fresh installation: no database, and one account that may log on by network. */
export function databasePlan(machine: Machine, access: DatabaseAccess): DaemonPlan {
  return {
    name: 'database',
    grace: 20_000,
    start: async () => {
      await machine.run('install', ['-d', '-o', 'mysql', '/run/mysqld']);
      return machine.spawn('mariadbd', [`--defaults-file=${CONFIG}`], { log: LOG });
    },
    ready: async (process) => {
      const server = { name: 'database', process, log: machine.disk + LOG };
      await waitReady(server, async () => answers(access));
    },
  };
}

/** Makes the data folder of the database machine with the administrator's account in it. */
export async function prepareDatabase(machine: Machine, access: DatabaseAccess): Promise<void> {
  await writeConfig(machine, access);
  // /tmp is the host's: servers with equal pids in their own namespaces would share temporary files
  await machine.run('install', ['-d', '-o', 'mysql', '/run/mysqld']);
  await machine.run('mariadb-install-db', [
    `--defaults-file=${CONFIG}`,
    '--skip-test-db',
    '--auth-root-authentication-method=socket',
  ]);
  await machine.run('mariadbd', [`--defaults-file=${CONFIG}`, '--bootstrap'], { input: firstStatements(access) });
}

/**
 * Runs one statement as the administrator, from the control machine's address, and returns its rows.
 *
 * @throws RolloutError DATABASE_FAILED with the server's error code; never with the statement.
 */
export async function runSql(access: DatabaseAccess, statement: string): Promise<readonly unknown[]> {
  try {
    return await query(access, statement);
  } catch (error) {
    const { code = 'no code' } = error as NodeJS.ErrnoException;
    throw new RolloutError('DATABASE_FAILED', `the lab's database refused the statement: ${code}`, { cause: error });
  }
}

async function query(access: DatabaseAccess, statement: string): Promise<readonly unknown[]> {
  const { address, port, controlAddress } = access;
  const connection = await createConnection({
    user: DATABASE_ADMINISTRATOR,
    password: access.password,
    connectTimeout: 5000,
    stream: () => connect({ host: address, port, localAddress: controlAddress }),
  });
  try {
    const [rows] = await connection.query(statement);
    return Array.isArray(rows) ? rows : [rows];
  } finally {
    connection.destroy();
  }
}

async function answers(access: DatabaseAccess): Promise<boolean> {
  return query(access, 'SELECT 1').then(
    () => true,
    () => false,
  );
}

/** Small buffers and few flushes: the lab's data is worth nothing, its start-up time is. */
async function writeConfig(machine: Machine, { address, port }: DatabaseAccess): Promise<void> {
  const text = `[mariadbd]
user = mysql
datadir = ${DATA}
tmpdir = /run/mysqld
socket = /run/mysqld/mysqld.sock
pid_file = /run/mysqld/mysqld.pid
bind_address = ${address}
port = ${port}
skip_name_resolve = ON
character_set_server = utf8mb4
innodb_buffer_pool_size = 32M
innodb_log_file_size = 16M
innodb_flush_log_at_trx_commit = 2
innodb_buffer_pool_dump_at_shutdown = OFF
innodb_buffer_pool_load_at_startup = OFF
performance_schema = OFF
aria_pagecache_buffer_size = 8M
key_buffer_size = 1M
`;
  await writeFile(machine.disk + CONFIG, text);
}

function firstStatements({ controlAddress, password }: DatabaseAccess): string {
  const account = `'${DATABASE_ADMINISTRATOR}'@'${controlAddress}'`;
  return `FLUSH PRIVILEGES;
DELETE FROM mysql.global_priv WHERE User = '' OR (User IN ('root', 'mysql') AND Host <> 'localhost');
CREATE USER ${account} IDENTIFIED BY '${password}';
GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION;
`;
}
