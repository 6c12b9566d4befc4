import type { AccountSpec } from '../../cluster/schema.js';
import type { Context } from '../resource.js';
import type { Login } from './server.js';

/** The login of an account of a domain; its password is resolved here, at the moment of use. */
export async function loginOf(account: AccountSpec, domain: string, { agent, signal }: Context): Promise<Login> {
  const password = await agent.secrets.resolve(account.password.secret, signal);
  return { user: `${account.name}@${domain}`, password: password.reveal() };
}
