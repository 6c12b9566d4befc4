import { Connection, type Endpoint, Unserved } from './connection.js';

/** A message on its way in; `data` has CRLF line ends and no line that begins with a dot. */
export interface Outgoing {
  readonly from: string;
  readonly to: string;
  readonly data: string;
  /** Logs on first, as who sends to other domains has to. */
  readonly login?: { readonly user: string; readonly password: string };
}

/**
 * What became of a message. accepted: answered with 250; bounced: refused for good, a real sender would tell its author
 * so; delayed: not taken, a real sender would come again; unknown: the server had all of it and its answer was lost.
 */
export type Outcome =
  | { readonly state: 'accepted' }
  | { readonly state: 'bounced'; readonly code: number }
  | { readonly state: 'delayed' | 'unknown'; readonly reason: string };

/** An answer that is not the one that goes on. */
class Refused extends Error {
  constructor(readonly code: number) {
    super(String(code));
  }
}

/** Sends one message through a connection of its own. */
export async function sendMessage(server: Endpoint, { from, to, data, login }: Outgoing): Promise<Outcome> {
  const connection = Connection.open(server);
  let sent = false;
  try {
    await expect(connection, 220);
    await ask(connection, 'EHLO load.test', 250);
    if (login !== undefined) {
      const plain = Buffer.from(`\0${login.user}\0${login.password}`).toString('base64');
      await ask(connection, `AUTH PLAIN ${plain}`, 235);
    }
    await ask(connection, `MAIL FROM:<${from}>`, 250);
    await ask(connection, `RCPT TO:<${to}>`, 250);
    await ask(connection, 'DATA', 354);
    sent = true;
    await ask(connection, `${data}\r\n.`, 250);
    connection.write('QUIT\r\n');
    return { state: 'accepted' };
  } catch (error) {
    if (error instanceof Refused && error.code >= 500) return { state: 'bounced', code: error.code };
    if (error instanceof Refused) return { state: 'delayed', reason: `answered ${error.code}` };
    if (!(error instanceof Unserved)) throw error;
    return { state: sent ? 'unknown' : 'delayed', reason: error.message };
  } finally {
    connection.close();
  }
}

async function ask(connection: Connection, line: string, code: number): Promise<void> {
  connection.write(`${line}\r\n`);
  await expect(connection, code);
}

async function expect(connection: Connection, code: number): Promise<void> {
  let line = await connection.line();
  while (line.charAt(3) === '-') line = await connection.line();
  const answer = Number.parseInt(line, 10);
  if (answer !== code) throw new Refused(Number.isNaN(answer) ? 0 : answer);
}
