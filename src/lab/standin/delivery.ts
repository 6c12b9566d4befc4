import { mkdir } from 'node:fs/promises';

import type { Address } from './accounts.js';
import { writeDurably } from './durable-file.js';
import { messageName } from './message-name.js';
import { archivePath, serverId, type Server } from './server.js';
import { NAME } from './variables.js';

/** Writes a message into a mailbox's folder (and the archive, where that is on) under a name of its own. */
export async function deliver(
  server: Server,
  { mailbox, domain }: Address,
  home: string,
  message: Buffer,
): Promise<void> {
  const name = `${messageName(serverId(server))}.imap`;
  const data = Buffer.concat([Buffer.from(`Delivered-To: ${mailbox}@${domain}\r\n`), message]);
  const inbox = `${home}inbox`;
  for (const part of ['tmp', 'cur']) await mkdir(`${inbox}/${part}`, { recursive: true, mode: 0o700 });
  await writeDurably(`${inbox}/tmp/${process.pid}-${name}`, `${inbox}/new`, name, data);
  if (server.settings.isOn(NAME.archiveEnabled)) {
    const archive = `${archivePath(server)}${domain}/${mailbox}/inbox`;
    await mkdir(archive, { recursive: true, mode: 0o700 });
    await writeDurably(`${archive}/.${process.pid}-${name}`, archive, name, data);
  }
}
