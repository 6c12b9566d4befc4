import { ImapFlow } from 'imapflow';

import { mailFailure } from './failure.js';
import { PATIENCE, UNVERIFIED_TLS, type Login, type MailServer } from './server.js';

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

/**
 * The header of a message with this text in its subject, with its folded lines joined; empty when there is none. Errors
 * as `imapCount`.
 */
export async function imapHeader(
  server: MailServer,
  login: Login,
  subject: string,
  signal: AbortSignal,
): Promise<string> {
  return await inInbox(server, login, signal, async (client) => {
    const [uid] = await find(client, subject);
    if (uid === undefined) return '';
    const message = await client.fetchOne(String(uid), { headers: true }, { uid: true });
    const header = message === false ? undefined : message.headers;
    return (header?.toString('latin1') ?? '').replaceAll(/\r?\n[ \t]+/g, ' ');
  });
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

async function find(client: ImapFlow, subject: string): Promise<number[]> {
  const found = await client.search({ subject }, { uid: true });
  return Array.isArray(found) ? found : [];
}

async function inInbox<T>(
  server: MailServer,
  login: Login,
  signal: AbortSignal,
  use: (client: ImapFlow) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = new ImapFlow({
    host: server.address,
    port: server.port,
    secure: false,
    tls: UNVERIFIED_TLS,
    auth: { user: login.user, pass: login.password },
    connectionTimeout: PATIENCE,
    greetingTimeout: PATIENCE,
    socketTimeout: PATIENCE,
    disableAutoIdle: true,
    logger: false,
  });
  // A broken line rejects the command in progress; without a listener it would also end the process.
  client.on('error', () => undefined);
  const stop = (): void => client.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await client.connect();
    await client.mailboxOpen('INBOX');
    const result = await use(client);
    await client.logout();
    return result;
  } catch (error) {
    signal.throwIfAborted();
    throw mailFailure('IMAP', server, `${login.user} to log in and to see the inbox`, error);
  } finally {
    signal.removeEventListener('abort', stop);
    client.close();
  }
}
