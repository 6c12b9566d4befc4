import { randomUUID } from 'node:crypto';

import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';

import type { Lab } from './handle.js';
import { LAB_DOMAIN, type NodeName } from './layout.js';

/** Milliseconds that a message may take from the balancer to the other node's mailbox. */
const PATIENCE = 30_000;

/** What the demo shows at the end: one message, its way in and its way out. */
export interface MailProof {
  readonly subject: string;
  readonly seconds: number;
}

/**
 * Sends a message as a client would, through the balancer, and reads it by IMAP directly on one node: share, database,
 * grants, configuration and balancer at once. The message stays, to be looked at.
 */
export async function proveMail(lab: Lab, reader: NodeName): Promise<MailProof> {
  const subject = `icewarp-rollout demo ${randomUUID().slice(0, 8)}`;
  const started = Date.now();
  const smtp = createTransport({
    host: lab.addresses.balancer,
    port: lab.ports.balancer.smtp,
    tls: { rejectUnauthorized: false },
  });
  await smtp.sendMail({
    from: `probe-1@${LAB_DOMAIN}`,
    to: `probe-2@${LAB_DOMAIN}`,
    subject,
    text: 'Sent through the balancer.',
  });
  const imap = new ImapFlow({
    host: lab.addresses[reader],
    port: lab.ports.node.imap,
    secure: false,
    auth: { user: `probe-2@${LAB_DOMAIN}`, pass: lab.secret('probe-2') },
    logger: false,
    tls: { rejectUnauthorized: false },
  });
  await imap.connect();
  try {
    await arrival(imap, subject, started + PATIENCE);
  } finally {
    await imap.logout();
  }
  return { subject, seconds: (Date.now() - started) / 1000 };
}

async function arrival(imap: ImapFlow, subject: string, until: number): Promise<void> {
  for (;;) {
    const lock = await imap.getMailboxLock('INBOX');
    try {
      const found = await imap.search({ subject });
      if (Array.isArray(found) && found.length === 1) return;
    } finally {
      lock.release();
    }
    if (Date.now() > until) throw new Error(`the message "${subject}" did not arrive within ${PATIENCE / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
