import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';

import { loadCluster } from '../cluster/load.js';
import type { ClusterFile, NodeSpec } from '../cluster/schema.js';
import type { Lab } from './handle.js';
import { LAB_DOMAIN, NODES, type NodeName } from './layout.js';

/** Milliseconds that a message may take from the balancer to the other node's mailbox. */
const PATIENCE = 30_000;
/** Milliseconds between looks. */
const LOOK = 300;
const [SENDER, RECIPIENT] = ['probe-1', 'probe-2'] as const;

/** What the demo shows at the end: one message, its way in and its way out. */
export interface MailProof {
  readonly subject: string;
  /** The node that took the message from the balancer: its server ID begins the name of the message's file (G17). */
  readonly takenBy: NodeName;
  readonly readOn: NodeName;
  readonly seconds: number;
}

/**
 * Sends a message as a client would, through the balancer, finds out which node took it, and reads it by IMAP directly
 * on another one, or on the node that is named: share, database, grants, configuration and balancer at once. The message
 * stays, to be looked at.
 */
export async function proveMail(lab: Lab, reader?: NodeName): Promise<MailProof> {
  const subject = `icewarp-rollout demo ${randomUUID().slice(0, 8)}`;
  const started = Date.now();
  const smtp = createTransport({
    host: lab.addresses.balancer,
    port: lab.ports.balancer.smtp,
    tls: { rejectUnauthorized: false },
  });
  await smtp.sendMail({
    from: `${SENDER}@${LAB_DOMAIN}`,
    to: `${RECIPIENT}@${LAB_DOMAIN}`,
    subject,
    text: 'Sent through the balancer.',
  });
  const file = await eventually(started, `the message "${subject}" on the share`, () => messageFile(lab, subject));
  const takenBy = nodeThatTook(basename(file), await nodesOf(lab));
  const readOn = reader ?? NODES.find((node) => node !== takenBy) ?? takenBy;
  await readBack(lab, readOn, subject, started);
  return { subject, takenBy, readOn, seconds: (Date.now() - started) / 1000 };
}

/**
 * The node whose server ID begins the name of a message's file.
 *
 * @throws Error when it is nobody's.
 */
export function nodeThatTook(name: string, nodes: readonly Pick<NodeSpec, 'id' | 'serverId'>[]): NodeName {
  // after the ID comes the date: an ID that is the beginning of another one is told apart by it
  const node = nodes.find(({ serverId }) => name.startsWith(serverId) && /^\d{14}-/.test(name.slice(serverId.length)));
  const found = NODES.find((id) => id === node?.id);
  if (found === undefined) throw new Error(`no node's server ID begins the name of the message file ${name}`);
  return found;
}

async function nodesOf({ paths: { clusterFile } }: Lab): Promise<ClusterFile['nodes']> {
  const loaded = loadCluster(await readFile(clusterFile, 'utf8'), clusterFile);
  if (!loaded.ok) throw new Error(`${clusterFile} is not a cluster file any more`);
  return loaded.cluster.nodes;
}

/** The file of the message, seen on the share server's own disk: no node has a hand in it. */
async function messageFile(lab: Lab, subject: string): Promise<string | undefined> {
  const mailbox = `/srv/icewarp/share/mail/${LAB_DOMAIN}/${RECIPIENT}/inbox`;
  const { stdout } = await lab
    .machine('share')
    .run('grep', ['--recursive', '--files-with-matches', '--fixed-strings', '--', subject, mailbox], {
      accept: [0, 1, 2],
    });
  return stdout.split('\n').find((line) => line !== '' && !line.includes('/tmp/'));
}

async function readBack(lab: Lab, node: NodeName, subject: string, started: number): Promise<void> {
  const imap = new ImapFlow({
    host: lab.addresses[node],
    port: lab.ports.node.imap,
    secure: false,
    auth: { user: `${RECIPIENT}@${LAB_DOMAIN}`, pass: lab.secret(RECIPIENT) },
    logger: false,
    tls: { rejectUnauthorized: false },
  });
  await imap.connect();
  try {
    await eventually(started, `the message "${subject}" in the mailbox on node ${node}`, async () => {
      const lock = await imap.getMailboxLock('INBOX');
      try {
        const found = await imap.search({ subject });
        return Array.isArray(found) && found.length === 1 ? found : undefined;
      } finally {
        lock.release();
      }
    });
  } finally {
    await imap.logout();
  }
}

/** Looks until there is something. @throws Error with what was looked for, {@link PATIENCE} after the start. */
async function eventually<T>(started: number, what: string, find: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (Date.now() > started + PATIENCE) throw new Error(`${what} was not there within ${PATIENCE / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}
