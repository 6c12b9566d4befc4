import { createTransport } from 'nodemailer';

import { mailFailure, wrongCode } from './failure.js';
import { PATIENCE, UNVERIFIED_TLS, type Login, type MailServer } from './server.js';
import { SmtpDialogue } from './smtp-dialogue.js';

/**
 * What the server answers to a recipient, without a message being sent: 250 accepted, 4xx not now, 5xx refused.
 *
 * @param sender Default: the empty one of bounces, which every server must hear (RFC 5321, 4.5.5). Another one may be
 * refused as such, and that is then the answer.
 * @throws RolloutError PROBE_UNREACHABLE; PROBE_FAILED when the dialogue fails before the recipient.
 */
export async function recipientAnswer(
  server: MailServer,
  recipient: string,
  signal: AbortSignal,
  sender = '',
): Promise<number> {
  const dialogue = await SmtpDialogue.open(server, signal);
  try {
    expectCode('greeting', 220, await dialogue.answer());
    expectCode('EHLO', 250, await dialogue.say('EHLO localhost'));
    const heard = await dialogue.say(`MAIL FROM:<${sender}>`);
    if (sender !== '' && heard !== 250) return heard;
    expectCode('MAIL FROM', 250, heard);
    const answer = await dialogue.say(`RCPT TO:<${recipient}>`);
    await dialogue.say('RSET');
    await dialogue.say('QUIT');
    return answer;
  } finally {
    dialogue.close();
  }
}

function expectCode(step: string, expected: number, came: number): void {
  if (came !== expected) throw wrongCode(`SMTP ${step}`, `${expected}`, came);
}

/**
 * Sends one message, logged in as its sender where the server offers that.
 *
 * @throws RolloutError PROBE_UNREACHABLE, or PROBE_FAILED when the server does not take it.
 */
export async function sendMessage(server: MailServer, from: Login, to: string, subject: string): Promise<void> {
  const transport = createTransport({
    host: server.address,
    port: server.port,
    ...(server.from === undefined ? {} : { localAddress: server.from }),
    secure: false,
    tls: UNVERIFIED_TLS,
    auth: { user: from.user, pass: from.password },
    connectionTimeout: PATIENCE,
    greetingTimeout: PATIENCE,
    socketTimeout: PATIENCE,
    logger: false,
  });
  try {
    await transport.sendMail({
      from: from.user,
      to,
      subject,
      text: 'icewarp-rollout proves with this message that mail flows, and removes it.\n',
    });
  } catch (error) {
    throw mailFailure('SMTP sending', server, 'the message to be taken', error);
  } finally {
    transport.close();
  }
}
