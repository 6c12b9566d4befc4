import type { SecretRef } from '../cluster/schema.js';
import { withDatabase } from '../platform/mysql.js';
import type { Database } from '../platform/mysql.js';
import type { Context } from './resource.js';

/** The database server and the account that may make databases and users there. */
export interface DatabaseServer {
  readonly host: string;
  readonly port: number;
  readonly administrator: { readonly user: string; readonly password: SecretRef };
}

/** Works on the server as its administrator. */
export async function asAdministrator<T>(
  { host, port, administrator }: DatabaseServer,
  { agent, signal }: Context,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const password = await agent.secrets.resolve(administrator.password.secret, signal);
  // The server may let its administrator in from one address only, of several that this machine has.
  const { address } = agent.config;
  const from = address === undefined ? {} : { from: address };
  return withDatabase({ host, port, user: administrator.user, password: password.reveal(), ...from }, signal, work);
}
