import { connect } from 'node:net';
import { createInterface } from 'node:readline';

import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import Pop3Command from 'node-pop3';

import type { Sandbox } from './sandbox.js';

export const PASSWORD = 'Correct9horse';

export interface Mail {
  readonly to: string;
  readonly subject?: string;
  /** Logs on first, as a mail program does that submits. */
  readonly as?: string;
}

/** Sends a message to a machine's SMTP port and returns the code of the server's answer. */
export async function send(node: Sandbox, { to, subject = 'test', as }: Mail): Promise<number> {
  const transport = createTransport({
    host: node.address,
    port: node.ports.smtp,
    ignoreTLS: true,
    ...(as === undefined ? {} : { auth: { user: as, pass: PASSWORD } }),
  });
  try {
    await transport.sendMail({ from: 'sender@outside.test', to, subject, text: 'Hello' });
    return 250;
  } catch (error) {
    return (error as { responseCode?: number }).responseCode ?? 0;
  } finally {
    transport.close();
  }
}

/** What a machine answers to one recipient, to a client at that address, or at the one that its PROXY header names. */
export async function recipientCode(node: Sandbox, to: string, from: string, proxied?: string): Promise<number> {
  const socket = connect({ host: node.address, port: node.ports.smtp, localAddress: from });
  try {
    if (proxied !== undefined) socket.write(`PROXY TCP4 ${proxied} ${node.address} 4711 25\r\n`);
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const answer = async (): Promise<number> => {
      for (;;) {
        const line = await lines.next();
        if (line.done === true) return 0;
        if (line.value[3] !== '-') return Number.parseInt(line.value, 10);
      }
    };
    const greeting = await answer();
    if (greeting !== 220) return greeting;
    for (const command of ['EHLO client', 'MAIL FROM:<sender@outside.test>']) {
      socket.write(`${command}\r\n`);
      await answer();
    }
    socket.write(`RCPT TO:<${to}>\r\n`);
    return await answer();
  } finally {
    socket.destroy();
  }
}

/** The subjects in an inbox through IMAP; undefined when the logon failed or the mailbox cannot be opened. */
export async function imapSubjects(node: Sandbox, user: string): Promise<string[] | undefined> {
  const client = new ImapFlow({
    host: node.address,
    port: node.ports.imap,
    secure: false,
    doSTARTTLS: false,
    logger: false,
    socketTimeout: 10_000,
    auth: { user, pass: PASSWORD },
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.mailboxOpen('INBOX');
    const subjects: string[] = [];
    for await (const message of client.fetch('1:*', { envelope: true })) subjects.push(message.envelope?.subject ?? '');
    await client.logout();
    return subjects;
  } catch {
    client.close();
    return undefined;
  }
}

/** How many messages POP3 shows. */
export async function pop3Count(node: Sandbox, user: string): Promise<number> {
  const client = new Pop3Command({ user, password: PASSWORD, host: node.address, port: node.ports.pop3, tls: false });
  const list = await client.UIDL();
  await client.QUIT();
  return list.length;
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((done) => {
    setTimeout(done, milliseconds);
  });
