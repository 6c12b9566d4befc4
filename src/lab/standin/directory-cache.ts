import { readdir, stat } from 'node:fs/promises';

import type { Address } from './accounts.js';
import { endRequest } from './refresh-request.js';
import { openDirectoryCache } from './server-databases.js';
import { mailPath, type Server } from './server.js';

/** Counts every inbox anew into the directory cache's database. */
export async function refreshDirectoryCache(server: Server): Promise<void> {
  const database = await openDirectoryCache(server);
  try {
    for (const folder of await inboxes(mailPath(server))) {
      const { messages, bytes } = await count(`${mailPath(server)}${folder}`);
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

async function inboxes(mail: string): Promise<string[]> {
  const found: string[] = [];
  for (const domain of await readdir(mail)) {
    if (domain.startsWith('_')) continue;
    const mailboxes = await readdir(mail + domain).catch(() => []);
    found.push(...mailboxes.map((mailbox) => `${domain}/${mailbox}/inbox`));
  }
  return found;
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
