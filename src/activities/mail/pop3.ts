import Pop3Command from 'node-pop3';

import { mailFailure, unreachable } from './failure.js';
import { PATIENCE, type Login, type MailServer } from './server.js';

/** A probe account holds next to nothing; of a full mailbox only the newest messages are looked at. */
const NEWEST = 50;

/**
 * How many messages have this text in their subject, seen by POP3.
 *
 * @throws RolloutError PROBE_UNREACHABLE, or PROBE_FAILED when the server refuses.
 */
export async function pop3Count(
  server: MailServer,
  login: Login,
  subject: string,
  signal: AbortSignal,
): Promise<number> {
  return await inSession(server, login, signal, async (session) => {
    let count = 0;
    for (const number of await messageNumbers(session)) {
      const header = await session.TOP(number);
      if (subjectOf(header).includes(subject)) count++;
    }
    return count;
  });
}

/** Logs in. Errors as `pop3Count`. */
export async function pop3Login(server: MailServer, login: Login, signal: AbortSignal): Promise<void> {
  await inSession(server, login, signal, (session) => session.STAT());
}

async function messageNumbers(session: Pop3Command): Promise<number[]> {
  const list = await session.LIST();
  return list.slice(-NEWEST).map((entry) => Number(entry[0]));
}

/** The subject out of a message's header, with its folded lines joined. */
function subjectOf(header: string): string {
  return /^subject:(.*(?:\r?\n[ \t].*)*)/im.exec(header)?.[1]?.replaceAll(/\r?\n/g, '') ?? '';
}

async function inSession<T>(
  server: MailServer,
  login: Login,
  signal: AbortSignal,
  use: (session: Pop3Command) => Promise<T>,
): Promise<T> {
  const session = new Pop3Command({
    host: server.address,
    port: server.port,
    user: login.user,
    password: login.password,
    timeout: PATIENCE,
  });
  // It emits a refusal also while nobody waits for an answer; without a listener that would end the process.
  session.on('error', () => undefined);
  try {
    return await withDeadline(server, signal, async () => {
      const result = await use(session);
      await session.QUIT();
      return result;
    });
  } catch (error) {
    signal.throwIfAborted();
    throw mailFailure('POP3', server, `${login.user} to log in and to see the mailbox`, error);
  } finally {
    session._socket?.destroy();
  }
}

/** node-pop3 waits for ever when the line breaks in the middle of a command. */
async function withDeadline<T>(server: MailServer, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(3 * PATIENCE)]);
  const deadline = new Promise<never>((_resolve, reject) => {
    limit.addEventListener('abort', () => reject(unreachable('POP3', server)), { once: true, signal: stop.signal });
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([work(), deadline]);
  } finally {
    stop.abort();
  }
}
