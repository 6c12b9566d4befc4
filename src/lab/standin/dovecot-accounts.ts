import { chmodSync, chownSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

import { parseAddress, type Accounts } from './accounts.js';
import type { SystemUser } from './system-user.js';

/** How the accounts are asked; throws when their database does not answer. */
export type Ask = <T>(question: (accounts: Accounts) => Promise<T>) => Promise<T>;

/**
 * Answers Dovecot's password look-ups on a socket, in the protocol of its `dict` proxy. Dovecot's own SQL drivers would
 * do, but they wait up to minutes before they try a refused connection again, so a mended grant would not be felt.
 */
export function serveAccounts(socket: string, user: SystemUser, ask: Ask): Promise<Server> {
  rmSync(socket, { force: true });
  const server = createServer((connection) => void converse(connection, ask));
  return new Promise((resolve) => {
    server.listen(socket, () => {
      chmodSync(socket, 0o600);
      if (process.getuid?.() === 0) chownSync(socket, user.uid, user.gid);
      resolve(server);
    });
  });
}

/** One request per line: `H…` greets and is not answered, `Lshared/<user>` looks up; answers come in the same order. */
async function converse(connection: Socket, ask: Ask): Promise<void> {
  connection.on('error', () => connection.destroy());
  for await (const line of createInterface({ input: connection })) {
    const user = /^Lshared\/([^\t]+)/.exec(line)?.[1];
    if (user !== undefined) connection.write(`${await lookUp(user, ask)}\n`);
  }
}

/** `O` with the password's hash, `N` for an unknown user, `F` when nobody can tell. */
async function lookUp(user: string, ask: Ask): Promise<string> {
  const address = parseAddress(user);
  if (address === undefined) return 'N';
  try {
    const row = await ask((accounts) => accounts.account(address));
    return row ? `O${JSON.stringify({ password: row['password'] })}` : 'N';
  } catch {
    return 'Fthe accounts database does not answer';
  }
}
