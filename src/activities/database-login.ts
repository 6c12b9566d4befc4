import type { SecretRef } from '../cluster/schema.js';
import { withDatabase } from '../platform/mysql.js';
import { assertSameClock } from './clock.js';
import type { Procedure } from './resource.js';

export interface DatabaseLoginInput {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: SecretRef;
  readonly databases: readonly string[];
  /** Local address to log on from; without it the machine chooses. */
  readonly from?: string;
}

export interface DatabaseLoginOutput {
  /** Version of the server, such as 10.11.6-MariaDB. */
  readonly server: string;
}

/** Proves from this node that its account opens every database (G5), and that its clock is the server's (B12). */
export const databaseLogin: Procedure<DatabaseLoginInput, DatabaseLoginOutput, 'node'> = {
  place: 'node',

  run: async ({ password, databases, ...login }, { agent, signal }) => {
    const secret = await agent.secrets.resolve(password.secret, signal);
    let server = '';
    for (const database of databases) {
      const opened = { ...login, password: secret.reveal(), database };
      server = await withDatabase(opened, signal, async (connection) => {
        if (server === '') await assertSameClock(connection, `${login.host}:${login.port}`);
        const [row] = await connection.rows<{ version: string }>('SELECT VERSION() AS version');
        return row?.version ?? '';
      });
    }
    return { server };
  },
};
