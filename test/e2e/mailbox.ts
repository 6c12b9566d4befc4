import { ImapFlow } from 'imapflow';

import { LAB_DOMAIN, type Lab, type NodeName } from '../../src/lab/lab.js';

/** The subjects in an account's inbox, read by IMAP directly on one node. */
export async function inboxSubjects(lab: Lab, node: NodeName, user: string, password: string): Promise<string[]> {
  const imap = new ImapFlow({
    host: lab.addresses[node],
    port: lab.ports.node.imap,
    secure: false,
    auth: { user: `${user}@${LAB_DOMAIN}`, pass: password },
    logger: false,
    tls: { rejectUnauthorized: false },
  });
  await imap.connect();
  try {
    const lock = await imap.getMailboxLock('INBOX');
    try {
      const subjects: string[] = [];
      for await (const { envelope } of imap.fetch('1:*', { envelope: true })) subjects.push(envelope?.subject ?? '');
      return subjects;
    } finally {
      lock.release();
    }
  } finally {
    await imap.logout();
  }
}
