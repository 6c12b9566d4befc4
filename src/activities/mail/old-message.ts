import { createHash } from 'node:crypto';

import type { ImapFlow } from 'imapflow';

import { wrongAnswer } from './failure.js';
import { find, inInbox } from './imap-session.js';
import type { Login, MailServer } from './server.js';

/** What a client holds of a folder, by which it tells whether it has to load everything again. */
export interface FolderState {
  readonly path: string;
  readonly messages: number;
  readonly unseen: number;
  readonly uidValidity: string;
  readonly uidNext: number;
}

/** What was in a mailbox before its mail moved. */
export interface MailboxBefore {
  readonly folders: readonly FolderState[];
  /** UID of the marked message. */
  readonly uid: number;
}

const MARK = 'icewarp-rollout old message';
/** Long ago: a message that is as old as the mail that moves. */
const DATE = new Date(Date.UTC(2001, 1, 3, 4, 5, 6));
const LINES = 64;

/**
 * Puts one marked and flagged message into an inbox, and looks at all folders. One that is there already, from an
 * attempt that was cut short, is replaced.
 *
 * @throws RolloutError PROBE_UNREACHABLE, or PROBE_FAILED when the server refuses.
 */
export async function plantOldMessage(
  server: MailServer,
  login: Login,
  cluster: string,
  signal: AbortSignal,
): Promise<MailboxBefore> {
  return await inInbox(server, login, signal, async (client) => {
    await removeMarked(client);
    await client.append('INBOX', textOf(login, cluster), ['\\Flagged'], DATE);
    await client.noop();
    const [uid = 0] = await find(client, MARK);
    return { folders: await foldersOf(client), uid };
  });
}

/** Removes the marked message. Errors as {@link plantOldMessage}. */
export async function removeOldMessage(server: MailServer, login: Login, signal: AbortSignal): Promise<void> {
  await inInbox(server, login, signal, removeMarked);
}

/**
 * Proves on one node that a mailbox is the one from before: its marked message is there once, byte for byte, under its
 * UID and with its flag, and no folder has lost messages or changed its numbering (procedure, rule 18).
 *
 * @throws RolloutError PROBE_FAILED with what is there instead; PROBE_UNREACHABLE when the node does not answer.
 */
export async function expectOldMessage(
  node: string,
  server: MailServer,
  login: Login,
  cluster: string,
  before: MailboxBefore,
  signal: AbortSignal,
): Promise<void> {
  const check = `old mail of ${login.user} on ${node}`;
  await inInbox(server, login, signal, async (client) => {
    const uids = await find(client, MARK);
    const [uid = 0] = uids;
    if (uids.length !== 1) {
      throw wrongAnswer(check, 'the message from before the move exactly once', `it was there ${uids.length} times`);
    }
    const message = await client.fetchOne(String(uid), { source: true, flags: true }, { uid: true });
    const source = message === false ? undefined : message.source;
    const [expected, came] = [hashOfBody(Buffer.from(textOf(login, cluster))), hashOfBody(source ?? Buffer.alloc(0))];
    if (expected !== came) throw wrongAnswer(check, `a message with the hash ${expected}`, `${came} came`);
    if (message === false || message.flags?.has('\\Flagged') !== true) {
      throw wrongAnswer(check, 'the message from before the move to be flagged', 'it has lost its flag');
    }
    if (uid !== before.uid) throw wrongAnswer(check, `the message under UID ${before.uid}`, `it had UID ${uid}`);
    const [wrong] = differencesOf(before.folders, await foldersOf(client));
    if (wrong !== undefined) throw wrongAnswer(check, wrong.expected, wrong.came);
  });
}

/** What folders have lost. New folders and more messages are no loss: mail goes on coming in. Pure. */
export function differencesOf(
  before: readonly FolderState[],
  after: readonly FolderState[],
): readonly { readonly expected: string; readonly came: string }[] {
  return before.flatMap((was) => {
    const is = after.find(({ path }) => path === was.path);
    if (is === undefined) return [{ expected: `folder ${was.path}`, came: 'it was not there' }];
    const differ = (
      what: string,
      expected: string | number,
      came: string | number,
    ): { expected: string; came: string } => ({
      expected: `${what} ${expected} in ${was.path}`,
      came: `${came} came`,
    });
    return [
      ...(is.uidValidity === was.uidValidity ? [] : [differ('UIDVALIDITY', was.uidValidity, is.uidValidity)]),
      ...(is.uidNext >= was.uidNext ? [] : [differ('at least UIDNEXT', was.uidNext, is.uidNext)]),
      ...(is.messages >= was.messages ? [] : [differ('at least as many messages as', was.messages, is.messages)]),
      ...(is.unseen >= was.unseen ? [] : [differ('at least as many unseen messages as', was.unseen, is.unseen)]),
    ];
  });
}

async function removeMarked(client: ImapFlow): Promise<void> {
  const left = await find(client, MARK);
  if (left.length > 0) await client.messageDelete(left, { uid: true });
}

async function foldersOf(client: ImapFlow): Promise<readonly FolderState[]> {
  const query = { messages: true, unseen: true, uidNext: true, uidValidity: true };
  const folders: FolderState[] = [];
  for (const { path, flags } of await client.list()) {
    if (flags.has('\\Noselect') || flags.has('\\NonExistent')) continue;
    const status = await client.status(path, query);
    if (status === false) continue;
    const { messages = 0, unseen = 0, uidNext = 0, uidValidity = 0n } = status;
    folders.push({ path, messages, unseen, uidNext, uidValidity: String(uidValidity) });
  }
  return folders;
}

/** sha256 of what follows the header: servers add lines to that one. */
function hashOfBody(message: Buffer): string {
  const end = message.indexOf('\r\n\r\n');
  return createHash('sha256')
    .update(end < 0 ? message : message.subarray(end + 4))
    .digest('hex');
}

/** The same text for one account of one cluster whenever it is asked for, so that nobody has to keep its hash. */
function textOf({ user }: Login, cluster: string): string {
  const head = [`From: <${user}>`, `To: <${user}>`, `Subject: ${MARK}`, `Date: ${DATE.toUTCString()}`];
  const lines = Array.from({ length: LINES }, (_, line) =>
    createHash('sha256').update(`${cluster}\0${user}\0${line}`).digest('base64'),
  );
  return `${[...head, '', ...lines].join('\r\n')}\r\n`;
}
