import { chmodSync, chownSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

import { parseAddress, type Accounts, type Address } from './accounts.js';
import type { SystemUser } from './system-user.js';

/** How the accounts are asked; throws when their database does not answer. */
export type Ask = <T>(question: (accounts: Accounts) => Promise<T>) => Promise<T>;

/** What the directory cache counts for an account's inbox. */
export type Counts = (address: Address) => Promise<{ readonly messages: number; readonly bytes: number }>;

/**
 * Answers Dovecot's look-ups of passwords and of quotas on a socket, in the protocol of its `dict` proxy. Dovecot's own
 * SQL drivers would do, but they wait up to minutes before they try a refused connection again, so a mended grant would
 * not be felt.
 */
export function serveAccounts(socket: string, user: SystemUser, ask: Ask, counts: Counts): Promise<Server> {
  rmSync(socket, { force: true });
  const server = createServer((connection) => void converse(connection, ask, counts));
  return new Promise((resolve) => {
    server.listen(socket, () => {
      chmodSync(socket, 0o600);
      if (process.getuid?.() === 0) chownSync(socket, user.uid, user.gid);
      resolve(server);
    });
  });
}

/**
 * One request per line: `H…` greets, with the session's user where it is about him, and is not answered. `Lshared/<user>`
 * looks up a password, `Lpriv/quota/…` a count. A change of counts (`B`, `A`, then `C` or `D`) is taken and does nothing:
 * the directory cache changes on a refresh only. Answers come in the same order.
 */
async function converse(connection: Socket, ask: Ask, counts: Counts): Promise<void> {
  connection.on('error', () => connection.destroy());
  let session = '';
  for await (const line of createInterface({ input: connection })) {
    const words = line.slice(1).split('\t');
    if (line.startsWith('H')) session = words[3] ?? '';
    const [key = '', asker = ''] = words;
    const user = /^Lshared\/([^\t]+)/.exec(line)?.[1];
    if (user !== undefined) connection.write(`${await lookUp(user, ask)}\n`);
    else if (line.startsWith('Lpriv/quota/')) connection.write(`${await count(key, asker || session, counts)}\n`);
    else if (/^[CD]/.test(line)) connection.write(`O${key}\n`);
  }
}

/** What the cache has: nothing for an inbox that no refresh has seen. */
async function count(key: string, user: string, counts: Counts): Promise<string> {
  const address = parseAddress(user);
  if (address === undefined) return 'O0';
  const { messages, bytes } = await counts(address);
  return `O${key.endsWith('/messages') ? messages : bytes}`;
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
