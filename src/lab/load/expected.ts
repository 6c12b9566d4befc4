import type { Change, Entry } from './journal.js';

/** Where a message is, and with which flags. `gone`: in no folder. */
export type State = 'gone' | { readonly folder: string; readonly flags: readonly string[] };

/** A message that may be in a mailbox. */
export interface Expected {
  readonly user: string;
  /** always: it was there, or answered with 250. perhaps: its answer was lost. never: it was not taken. */
  readonly there: 'always' | 'perhaps' | 'never';
  /** Where its clients left it: more than one where an answer was lost. */
  readonly states: readonly State[];
  /** A move whose answer was lost may have been half done: then it is in both folders. */
  readonly halfMoved: boolean;
}

/** A message to another domain. */
export type Leaving = Pick<Expected, 'there'>;

/** What the load's journal says about how everything has to be. */
export interface Expectation {
  readonly messages: ReadonlyMap<string, Expected>;
  readonly leaving: ReadonlyMap<string, Leaving>;
  /** Hashes of the bodies of the messages of the load. */
  readonly hashes: ReadonlyMap<string, string>;
  /** user → the remarks that may be on his inbox: more than one where an answer was lost. */
  readonly remarks: ReadonlyMap<string, readonly string[]>;
  /** `user/folder` → UIDVALIDITY as it was first. */
  readonly folders: ReadonlyMap<string, string>;
  /** Messages that the server refused for good although they were for users that it has. */
  readonly bounced: readonly string[];
}

type Sent = Extract<Entry, { kind: 'send' }>;

/**
 * Works out where everything has to be.
 *
 * @param domain whose users have mailboxes
 * @param old the state of each message that was there before the load
 */
export function expectationOf(
  journal: readonly Entry[],
  domain: string,
  old: ReadonlyMap<string, { readonly user: string; readonly state: State }>,
): Expectation {
  const messages = new Map<string, Expected>();
  for (const [id, { user, state }] of old) {
    messages.set(id, { user, there: 'always', states: [state], halfMoved: false });
  }
  const leaving = new Map<string, Leaving>();
  const hashes = new Map<string, string>();
  const answers = new Map(journal.flatMap((entry) => (entry.kind === 'answer' ? [[entry.id, entry.state]] : [])));
  for (const { id, to, hash } of journal.filter((entry): entry is Sent => entry.kind === 'send')) {
    const state = answers.get(id) ?? 'unknown';
    const there = state === 'accepted' ? 'always' : state === 'unknown' ? 'perhaps' : 'never';
    hashes.set(id, hash);
    const [user = '', host] = to.split('@');
    if (host !== domain) leaving.set(id, { there });
    else messages.set(id, { user, there, states: [{ folder: 'INBOX', flags: [] }], halfMoved: false });
  }
  replay(journal, messages);
  return {
    messages,
    leaving,
    hashes,
    remarks: remarksOf(journal),
    folders: foldersOf(journal),
    bounced: [...answers].filter(([, state]) => state === 'bounced').map(([id]) => id),
  };
}

/** Does again what the clients did, in their order. */
function replay(journal: readonly Entry[], messages: Map<string, Expected>): void {
  const done = new Map(journal.flatMap((entry) => (entry.kind === 'changed' ? [[entry.number, entry.done]] : [])));
  for (const entry of journal) {
    if (entry.kind !== 'change') continue;
    const message = messages.get(entry.id);
    const was = done.get(entry.number);
    if (message === undefined || was === false) continue;
    const after = message.states.map((state) => changed(state, entry.change));
    // a client saw it: it was there
    if (was === true) messages.set(entry.id, { ...message, there: 'always', states: after });
    else {
      const halfMoved = message.halfMoved || entry.change.what === 'move';
      messages.set(entry.id, { ...message, there: 'always', states: [...message.states, ...after], halfMoved });
    }
  }
}

function changed(state: State, change: Change): State {
  if (state === 'gone' || change.what === 'delete') return 'gone';
  if (change.what === 'move') return { ...state, folder: change.to };
  const others = state.flags.filter((flag) => flag !== change.flag);
  return { ...state, flags: change.on ? [...others, change.flag].sort() : others };
}

function remarksOf(journal: readonly Entry[]): Map<string, string[]> {
  const done = new Map(journal.flatMap((entry) => (entry.kind === 'changed' ? [[entry.number, entry.done]] : [])));
  const remarks = new Map<string, string[]>();
  for (const entry of journal) {
    if (entry.kind !== 'remark') continue;
    const was = done.get(entry.number);
    if (was === true) remarks.set(entry.user, [entry.text]);
    else if (was === undefined) remarks.set(entry.user, [...(remarks.get(entry.user) ?? ['']), entry.text]);
  }
  return remarks;
}

function foldersOf(journal: readonly Entry[]): Map<string, string> {
  const folders = new Map<string, string>();
  for (const entry of journal) {
    if (entry.kind !== 'folder') continue;
    const name = `${entry.user}/${entry.folder}`;
    if (!folders.has(name)) folders.set(name, entry.uidValidity);
  }
  return folders;
}
