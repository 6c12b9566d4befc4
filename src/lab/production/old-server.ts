import { createHash } from 'node:crypto';

import { LAB_DOMAIN } from '../layout.js';
import { Random } from '../random.js';

/** How much a server in production holds. */
export interface OldServerSize {
  /** At least one mailbox; the last lies outside of the mail folder. */
  readonly mailboxes: number;
  /** In all mailboxes together. */
  readonly messages: number;
}

export const DEFAULT_SIZE: OldServerSize = { mailboxes: 40, messages: 20_000 };

/** The folders of every mailbox: as IMAP names them → their place in a Maildir. */
export const FOLDERS = { INBOX: '', Kept: '.Kept/' } as const;
export type Folder = keyof typeof FOLDERS;

/** A message of the time before the load. */
export interface OldMessage {
  /** Its `Message-ID`, without brackets. */
  readonly id: string;
  readonly user: string;
  readonly folder: Folder;
  /** As IMAP names them, sorted. */
  readonly flags: readonly string[];
  /** Name of its file, without the flags that Dovecot keeps there. */
  readonly name: string;
  readonly data: Buffer;
  /** Milliseconds since 1970. */
  readonly came: number;
  readonly archived: boolean;
}

/** A message that waits for another server, before the load begins. */
export interface WaitingMessage {
  readonly id: string;
  readonly queue: '_outgoing' | '_outgoing/retry';
  readonly to: string;
}

/** A file that belongs to an entry in a calendar. */
export interface Attachment {
  /** Below the calendar folder. */
  readonly path: string;
  readonly data: Buffer;
}

/** Domains elsewhere: one takes mail at once, the other lets it come again until it is told otherwise. */
export const SINK_DOMAIN = 'sink.test';
export const LATER_DOMAIN = 'later.test';

const SEED = 20;
const FIRST = Date.UTC(2012, 0, 1);
const MINUTE = 60_000;
/** Entries of each user's calendar that have a file beside the database: the first ones. */
export const ATTACHMENTS_EACH = 3;
/** One of so many messages has a copy in the archive, which came later than most mail. */
const ARCHIVED = 10;
const WORDS = 'server mail folder lunch project answer meeting invoice holiday train weather report'.split(' ');

/** What messages are made of: to make each line anew would take longer than to write them all. */
const linesRandom = new Random(SEED);
const LINES = Array.from({ length: 2000 }, () => sentence(linesRandom));

/** The mailboxes' names, in order. */
export function usersOf({ mailboxes }: OldServerSize): string[] {
  return Array.from({ length: mailboxes }, (_, index) => `user${String(index + 1).padStart(2, '0')}`);
}

/** The mailbox that lies outside of the mail folder. */
export function userElsewhere(size: OldServerSize): string {
  return usersOf(size).at(-1) ?? '';
}

/** Everything that was there before the load: the same for the same size, so nobody has to write it down. */
export function* oldMessages(size: OldServerSize): Generator<OldMessage> {
  const random = new Random(SEED);
  const users = usersOf(size);
  for (let index = 0; index < size.messages; index += 1) {
    const user = users[index % users.length] ?? '';
    const came = FIRST + index * 7 * MINUTE;
    const id = `old-${index + 1}@${LAB_DOMAIN}`;
    yield {
      id,
      user,
      folder: random.next() < 0.2 ? 'Kept' : 'INBOX',
      flags: ['\\Answered', '\\Flagged', '\\Seen'].filter((flag) => random.next() < (flag === '\\Seen' ? 0.8 : 0.2)),
      name: `${stamp(came)}-${String((index % 9999) + 1).padStart(4, '0')}.imap`,
      data: textOf(id, 'someone@outside.test', `${user}@${LAB_DOMAIN}`, random),
      came,
      archived: index % ARCHIVED === 0,
    };
  }
}

/** What waits in the queues: some for a server that is there, some for one that lets it come again. */
export function waitingMessages(): WaitingMessage[] {
  const waiting = (queue: WaitingMessage['queue'], domain: string, count: number): WaitingMessage[] =>
    Array.from({ length: count }, (_, index) => {
      const id = `waiting-${domain.split('.')[0] ?? ''}-${index + 1}@${LAB_DOMAIN}`;
      return { id, queue, to: `friend-${index + 1}@${domain}` };
    });
  return [...waiting('_outgoing', SINK_DOMAIN, 3), ...waiting('_outgoing/retry', LATER_DOMAIN, 2)];
}

/** The file of a waiting message, in the stand-in's own form. */
export function waitingFile({ id, to }: WaitingMessage): Buffer {
  const from = `user01@${LAB_DOMAIN}`;
  const envelope = Buffer.from(`${JSON.stringify({ from, to: [to] })}\n`);
  return Buffer.concat([envelope, textOf(id, from, to, new Random(SEED))]);
}

/** Where the file of an entry lies below the calendar folder. */
export function attachmentPath(user: string, index: number): string {
  return `attachments/${LAB_DOMAIN}/${user}/${index + 1}-plan.txt`;
}

/** Files that users attached to entries in their calendars. */
export function attachments(size: OldServerSize): Attachment[] {
  const random = new Random(SEED + 1);
  return usersOf(size).flatMap((user) =>
    Array.from({ length: ATTACHMENTS_EACH }, (_, index) => ({
      path: attachmentPath(user, index),
      data: random.text(random.skewed(500, 4_000, 60_000)),
    })),
  );
}

/** A hash of content, as it is compared. */
export function hashOf(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function stamp(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '');
}

/** A message as it lies on a disk: CRLF line ends, one of them at its end. */
function textOf(id: string, from: string, to: string, random: Random): Buffer {
  const first = random.between(0, LINES.length - 1);
  const lines = LINES.slice(first, first + random.skewed(2, 12, 120));
  const head = [`From: <${from}>`, `To: <${to}>`, `Message-ID: <${id}>`, `Subject: ${lines[0] ?? ''}`, ''];
  return Buffer.from(`${[...head, ...lines].join('\r\n')}\r\n`);
}

/** Some words, as they stand in mail. */
export function sentence(random: Random): string {
  return Array.from({ length: random.between(3, 9) }, () => WORDS[random.between(0, WORDS.length - 1)]).join(' ');
}
