import { connect } from 'node:net';

import { createPool, type RowDataPacket } from 'mysql2/promise';

import type { Connection } from './connection-string.js';
import type { Database, DatabaseOptions } from './database.js';

/** A MariaDB or MySQL database, reached from the node's own address. Idle connections end after two seconds, so that
 * a grant taken away is felt soon. */
export function openMysql(
  connection: Extract<Connection, { kind: 'mysql' }>,
  { localAddress, charset }: DatabaseOptions,
): Database {
  const { host, port, user, password, database } = connection;
  const pool = createPool({
    host,
    port,
    user,
    password,
    database,
    ...(charset === '' ? {} : { charset }),
    stream: () => connect({ host, port, localAddress }),
    connectTimeout: 5000,
    connectionLimit: 4,
    maxIdle: 0,
    idleTimeout: 2000,
  });
  return {
    kind: 'mysql',
    async run(sql, values = []) {
      const [rows] = await pool.query<RowDataPacket[]>(sql, [...values]);
      return Array.isArray(rows) ? rows : [];
    },
    close: () => pool.end(),
  };
}
