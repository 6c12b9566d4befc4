import { readdir, stat } from 'node:fs/promises';

import { Accounts, type Address } from './accounts.js';
import type { Row } from './database.js';
import { endRequest } from './refresh-request.js';
import { mailboxFolder, ownPath } from './mailbox-folder.js';
import { openAccountsDatabase, openDirectoryCache } from './server-databases.js';
import { mailPath, type Server } from './server.js';

/** Counts every inbox anew into the directory cache's database. */
export async function refreshDirectoryCache(server: Server): Promise<void> {
  const database = await openDirectoryCache(server);
  try {
    for (const [folder, path] of await inboxes(server)) {
      const { messages, bytes } = await count(path);
      await database.run('DELETE FROM Folders WHERE folder = ?', [folder]);
      await database.run('INSERT INTO Folders (folder, messages, bytes) VALUES (?, ?, ?)', [folder, messages, bytes]);
    }
  } finally {
    await database.close();
    endRequest(server.installation);
  }
}

/** What the latest refresh counted for an account's inbox; nothing where none has seen it, or nobody answers. */
export async function cachedCounts(
  server: Server,
  { mailbox, domain }: Address,
): Promise<{ readonly messages: number; readonly bytes: number }> {
  try {
    const database = await openDirectoryCache(server);
    try {
      const folder = `${domain}/${mailbox}/inbox`;
      const [row] = await database.run('SELECT messages, bytes FROM Folders WHERE folder = ?', [folder]);
      return { messages: Number(row?.['messages'] ?? 0), bytes: Number(row?.['bytes'] ?? 0) };
    } finally {
      await database.close();
    }
  } catch {
    return { messages: 0, bytes: 0 };
  }
}

/** Every inbox: the name that the cache has for it → its path. */
async function inboxes(server: Server): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const mail = mailPath(server);
  for (const domain of await readdir(mail)) {
    if (domain.startsWith('_')) continue;
    const mailboxes = await readdir(mail + domain).catch(() => []);
    for (const mailbox of mailboxes) found.set(`${domain}/${mailbox}/inbox`, `${mail}${domain}/${mailbox}/inbox`);
  }
  for (const account of await externalAccounts(server)) {
    found.set(`${account['domain']}/${account['mailbox']}/inbox`, `${mailboxFolder(server, account)}inbox`);
  }
  return found;
}

async function externalAccounts(server: Server): Promise<readonly Row[]> {
  const accounts = new Accounts(await openAccountsDatabase(server));
  try {
    return (await accounts.accounts()).filter(({ path }) => ownPath(path) !== '');
  } finally {
    await accounts.close();
  }
}

async function count(inbox: string): Promise<{ messages: number; bytes: number }> {
  let [messages, bytes] = [0, 0];
  for (const part of ['new', 'cur']) {
    for (const name of await readdir(`${inbox}/${part}`).catch(() => [])) {
      messages += 1;
      bytes += (await stat(`${inbox}/${part}/${name}`)).size;
    }
  }
  return { messages, bytes };
}
