import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { createConnection } from 'mysql2/promise';

import { freePort } from '../../../src/lab/ports.js';
import { runCommand } from '../../../src/platform/run.js';
import { eventually } from '../../support/eventually.js';
import { PASSWORD } from './clients.js';

/** A MariaDB of its own on one loopback address, with grants per client address. */
export class Mariadb {
  private constructor(
    readonly address: string,
    readonly port: number,
    private readonly socket: string,
    private readonly server: ChildProcess,
  ) {}

  static async start(folder: string, address: string): Promise<Mariadb> {
    const data = join(folder, 'mariadb');
    await mkdir(data, { recursive: true });
    const common = ['--no-defaults', `--datadir=${data}`, '--user=root', '--innodb-log-file-size=8M'];
    await runCommand('mariadb-install-db', [...common, '--skip-test-db', '--auth-root-authentication-method=socket']);
    const port = await freePort([address]);
    const socket = join(data, 'socket');
    const server = spawn(
      'mariadbd',
      [...common, `--bind-address=${address}`, `--port=${port}`, `--socket=${socket}`, '--skip-name-resolve'],
      { stdio: 'ignore' },
    );
    const mariadb = new Mariadb(address, port, socket, server);
    await eventually('MariaDB answers', async () => mariadb.run('SELECT 1').then(Boolean, () => false));
    return mariadb;
  }

  async run(...statements: readonly string[]): Promise<unknown> {
    const connection = await createConnection({ socketPath: this.socket, user: 'root' });
    try {
      let result: unknown;
      for (const statement of statements) [result] = await connection.query(statement);
      return result;
    } finally {
      await connection.end();
    }
  }

  /** Lets an address in, as the product's grants do. */
  async grant(database: string, clientAddress: string): Promise<void> {
    await this.run(
      `CREATE DATABASE IF NOT EXISTS ${database} CHARACTER SET utf8mb4`,
      `CREATE USER IF NOT EXISTS 'iw'@'${clientAddress}' IDENTIFIED BY '${PASSWORD}'`,
      `GRANT ALL PRIVILEGES ON ${database}.* TO 'iw'@'${clientAddress}'`,
    );
  }

  connectionString(database: string): string {
    return `${database};iw;${PASSWORD};${this.address}:${this.port};3;2`;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.server.once('exit', resolve));
    this.server.kill('SIGTERM');
    await ended;
  }
}
