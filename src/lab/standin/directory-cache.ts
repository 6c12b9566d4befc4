import { readdir, stat } from 'node:fs/promises';

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
