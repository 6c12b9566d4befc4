import { fetchedHeader, find, inInbox } from './imap-session.js';
import type { Login, MailServer } from './server.js';

/**
 * How many messages in the inbox have this text in their subject, seen by a session of its own.
 *
 * @throws RolloutError PROBE_UNREACHABLE, or PROBE_FAILED when the server refuses.
 */
export async function imapCount(
  server: MailServer,
  login: Login,
  subject: string,
  signal: AbortSignal,
): Promise<number> {
  return await inInbox(server, login, signal, async (client) => (await find(client, subject)).length);
}

/** Removes every message with this text in its subject from the inbox. Errors as `imapCount`. */
export async function imapRemove(
  server: MailServer,
  login: Login,
  subject: string,
  signal: AbortSignal,
): Promise<void> {
  await inInbox(server, login, signal, async (client) => {
    const found = await find(client, subject);
    if (found.length > 0) await client.messageDelete(found, { uid: true });
  });
}

/** Logs in and opens the inbox. Errors as `imapCount`. */
export async function imapLogin(server: MailServer, login: Login, signal: AbortSignal): Promise<void> {
  await inInbox(server, login, signal, () => Promise.resolve());
}

/** The `Received` lines of the messages with this text in their subject, unfolded. Errors as `imapCount`. */
export async function imapReceived(
  server: MailServer,
  login: Login,
  subject: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return await inInbox(server, login, signal, async (client) => {
    const lines: string[] = [];
    for (const uid of await find(client, subject)) lines.push(...(await fetchedHeader(client, uid, 'received')));
    return lines;
  });
}
