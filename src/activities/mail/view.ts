import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ImapFlow } from 'imapflow';

import { wrongAnswer } from './failure.js';
import { find, inInbox, uidValidityOf } from './imap-session.js';
import type { Login, MailServer } from './server.js';

/** Two nodes and one mailbox: what is done on one must show in a session that is open on the other. */
export interface View {
  /** Ids of the nodes, for subjects, folders and errors. */
  readonly acting: string;
  readonly watching: string;
  readonly at: { readonly acting: MailServer; readonly watching: MailServer };
  readonly login: Login;
}

/** Milliseconds until a change must show in an open session, and between two looks. */
const SHOWN = 30_000;
const GLANCE = 300;
/** A session is silent while the other one is looked at. */
const SILENCE = 3 * SHOWN;

/** One session of each node, and what the messages between them are called. */
interface Sessions {
  readonly view: View;
  readonly actor: ImapFlow;
  readonly watcher: ImapFlow;
  readonly signal: AbortSignal;
}

/**
 * Two messages, put on one node into a mailbox that is open on the other: they show there once and under the same UIDs,
 * and so do flags, a move into another folder, and a deletion (procedure, rule 18). Takes away what it made, and what
 * an interrupted look at the same two nodes has left.
 *
 * @returns what was proven, in words.
 * @throws RolloutError PROBE_FAILED with what was seen instead; PROBE_UNREACHABLE when a node does not answer.
 */
export async function watchChanges(view: View, signal: AbortSignal): Promise<readonly string[]> {
  const { at, login } = view;
  try {
    return await inInbox(
      at.acting,
      login,
      signal,
      async (actor) => {
        await clear(actor, view);
        const seen = await inInbox(
          at.watching,
          login,
          signal,
          (watcher) => changeAndWatch({ view, actor, watcher, signal }),
          SILENCE,
        );
        await clear(actor, view);
        return seen;
      },
      SILENCE,
    );
  } catch (error) {
    // The failure itself is what the operator must see, not that its traces could not be removed either.
    const soon = AbortSignal.timeout(10_000);
    await inInbox(at.acting, login, soon, (actor) => clear(actor, view)).catch(() => undefined);
    throw error;
  }
}

async function changeAndWatch(sessions: Sessions): Promise<readonly string[]> {
  const { view, actor, watcher } = sessions;
  const mark = `${markOf(view)} ${randomBytes(8).toString('hex')}`;
  const folder = `${folderOf(view)}${randomBytes(4).toString('hex')}`;
  const [moved, deleted] = [`${mark} 1`, `${mark} 2`];
  for (const subject of [moved, deleted]) await actor.append('INBOX', messageOf(subject, view));
  const uids: number[] = [];
  for (const subject of [moved, deleted]) uids.push(await showsOnce(sessions, subject));
  const [first = 0, second = 0] = uids;

  await actor.messageFlagsAdd(String(first), ['\\Seen', '\\Flagged'], { uid: true });
  await shows(sessions, 'flags', 'a message to be flagged and seen', async () => {
    const message = await watcher.fetchOne(String(first), { flags: true }, { uid: true });
    const flags = message === false ? [] : [...(message.flags ?? [])];
    return ['\\Seen', '\\Flagged'].every((flag) => flags.includes(flag))
      ? null
      : `it had ${flags.join(' ') || 'no flags'}`;
  });

  await actor.mailboxCreate(folder);
  await actor.messageMove(String(first), folder, { uid: true });
  await shows(sessions, 'move', 'a message to have moved into another folder', async () => {
    if (await isThere(watcher, first)) return 'it was still in the inbox';
    const status = await watcher.status(folder, { messages: true }).catch(() => false as const);
    const messages = status === false ? undefined : status.messages;
    return messages === 1 ? null : `the folder ${messages === undefined ? 'was not there' : `held ${messages}`}`;
  });

  await actor.messageDelete(String(second), { uid: true });
  await shows(sessions, 'deletion', 'a deleted message to be gone', async () =>
    (await isThere(watcher, second)) ? 'it was still there' : null,
  );
  return ['a new message, once and under the same UID', 'flags', 'a move', 'a deletion'].map(
    (what) => `${view.watching} showed what ${view.acting} did in an open session: ${what}`,
  );
}

/** Waits until a message shows once, and under the UID that it has where it was put. @returns that UID. */
async function showsOnce(sessions: Sessions, subject: string): Promise<number> {
  const { view, actor, watcher } = sessions;
  const [uid = 0] = await find(actor, subject);
  await shows(sessions, 'new message', 'it exactly once', async () => {
    const there = await find(watcher, subject);
    return there.length === 1 ? null : `it was there ${there.length} times`;
  });
  const [seen = 0] = await find(watcher, subject);
  const here = `UID ${uid} under UIDVALIDITY ${uidValidityOf(actor)}`;
  const there = `UID ${seen} under UIDVALIDITY ${uidValidityOf(watcher)}`;
  if (here === there) return uid;
  throw wrongAnswer(
    nameOf(view, 'new message'),
    `${here} as on ${view.acting}`,
    `it had ${there}: the nodes number messages each for itself, and clients would load every mailbox again`,
  );
}

/** Looks, with a NOOP before each look, until there is nothing wrong any more. @throws RolloutError PROBE_FAILED. */
async function shows(
  { view, watcher, signal }: Sessions,
  what: string,
  expected: string,
  look: () => Promise<string | null>,
): Promise<void> {
  const deadline = Date.now() + SHOWN;
  for (;;) {
    await watcher.noop();
    const wrong = await look();
    if (wrong === null) return;
    if (Date.now() > deadline) throw wrongAnswer(nameOf(view, what), `${expected} within ${SHOWN / 1000} s`, wrong);
    await sleep(GLANCE, undefined, { signal });
  }
}

async function isThere(client: ImapFlow, uid: number): Promise<boolean> {
  const found = await client.search({ uid: String(uid) }, { uid: true });
  return Array.isArray(found) && found.includes(uid);
}

/** Removes marked messages and folders of these two nodes. */
async function clear(actor: ImapFlow, view: View): Promise<void> {
  await actor.noop();
  const left = await find(actor, markOf(view));
  if (left.length > 0) await actor.messageDelete(left, { uid: true });
  for (const { path, name } of await actor.list()) {
    if (name.startsWith(folderOf(view))) await actor.mailboxDelete(path);
  }
}

function nameOf({ acting, watching }: View, what: string): string {
  return `${what}, made on ${acting} and watched in an open session on ${watching}`;
}

function markOf({ acting, watching }: View): string {
  return `icewarp-rollout view [${acting}>${watching}]`;
}

function folderOf({ acting, watching }: View): string {
  return `icewarp-rollout-view-${acting}-${watching}-`;
}

function messageOf(subject: string, { login }: View): string {
  const text = 'icewarp-rollout proves with this message that nodes see the same mailbox, and removes it.';
  const head = [
    `From: <${login.user}>`,
    `To: <${login.user}>`,
    `Subject: ${subject}`,
    `Date: ${new Date().toUTCString()}`,
  ];
  return `${[...head, '', text].join('\r\n')}\r\n`;
}
