import { ImapFlow, type ImapFlowOptions } from 'imapflow';

import { mailFailure } from './failure.js';
import { PATIENCE, UNVERIFIED_TLS, type Login, type MailServer } from './server.js';

/**
 * Logs in, opens the inbox, and ends the session when `use` has ended.
 *
 * @param silence - milliseconds without a word of the server after which the line counts as broken.
 * @throws RolloutError PROBE_UNREACHABLE, or PROBE_FAILED when the server refuses.
 */
export async function inInbox<T>(
  server: MailServer,
  login: Login,
  signal: AbortSignal,
  use: (client: ImapFlow) => Promise<T>,
  silence = PATIENCE,
): Promise<T> {
  signal.throwIfAborted();
  const client = new ImapFlow({
    host: server.address,
    port: server.port,
    ...security(server),
    auth: { user: login.user, pass: login.password },
    connectionTimeout: PATIENCE,
    greetingTimeout: PATIENCE,
    socketTimeout: silence,
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

/** UIDs of the messages in the open mailbox that have this text in their subject. */
export async function find(client: ImapFlow, subject: string): Promise<number[]> {
  const found = await client.search({ subject }, { uid: true });
  return Array.isArray(found) ? found : [];
}

/** All lines of one header of a message, unfolded. */
export async function fetchedHeader(client: ImapFlow, uid: number, name: string): Promise<string[]> {
  const message = await client.fetchOne(String(uid), { headers: [name] }, { uid: true });
  const text = message === false ? '' : (message.headers?.toString('utf8') ?? '');
  const unfolded = text.replace(/\r?\n[ \t]+/g, ' ');
  return unfolded.split(/\r?\n/).filter((line) => line.toLowerCase().startsWith(`${name}:`));
}

/** The UIDVALIDITY of the open mailbox. */
export function uidValidityOf({ mailbox }: ImapFlow): string {
  return mailbox === false ? '' : String(mailbox.uidValidity);
}

function security({ tls }: MailServer): Pick<ImapFlowOptions, 'secure' | 'doSTARTTLS' | 'tls'> {
  if (tls === undefined) return { secure: false, tls: UNVERIFIED_TLS };
  return { secure: tls === 'implicit', ...(tls === 'implicit' ? {} : { doSTARTTLS: tls === 'starttls' }) };
}
