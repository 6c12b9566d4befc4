import type { SecretRef } from '../cluster/schema.js';
import { withDatabase } from '../platform/mysql.js';
import type { Database } from '../platform/mysql.js';
import type { Context } from './resource.js';

/** A database as a node's settings name it, with the NAME of its password. */
export interface ConnectionSpec {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: SecretRef;
}

/** Works on a database with the account that the nodes have there. Errors as `withDatabase`. */
export async function onDatabase<T>(
  { host, port, user, database, password }: ConnectionSpec,
  { agent, signal }: Context,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const secret = await agent.secrets.resolve(password.secret, signal);
  // Grants are per node address (G5).
  const { address } = agent.config;
  const from = address === undefined ? {} : { from: address };
  return withDatabase({ host, port, user, database, password: secret.reveal(), ...from }, signal, work);
}

export async function tableNames(database: Database): Promise<readonly string[]> {
  const rows = await database.rows<{ name: string }>(
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME',
  );
  return rows.map(({ name }) => name);
}
