import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Lab } from '../handle.js';
import { LAB_DOMAIN } from '../layout.js';
import { INSTALLATION } from '../production/content.js';
import { elsewhereOnDisk } from '../production/elsewhere.js';
import {
  attachments,
  hashOf,
  LATER_DOMAIN,
  oldMessages,
  type OldServerSize,
  userElsewhere,
  usersOf,
  waitingMessages,
} from '../production/old-server.js';
import { productionOf } from '../production/production.js';
import { type Away, awayTimes } from './away.js';
import { compareLeaving, compareMailbox, compareMessages, type Problem } from './compare.js';
import type { Endpoint } from './connection.js';
import { type Expectation, expectationOf, type Expected, type State } from './expected.js';
import { type Entry, loadFiles, readJournal } from './journal.js';
import type { Target } from './load.js';
import {
  type Found,
  lookAtArrivals,
  lookByImap,
  lookInArchive,
  lookInQueues,
  lookOnDisk,
  type Queued,
} from './look.js';
import { checkRows, type RowsFound } from './rows.js';

/** Where mail lies on disks, as they are seen from outside of the machines. */
export interface Store {
  readonly mail: string;
  readonly archive: string;
  readonly calendar: string;
  /** The mailbox that lay outside of the mail folder. */
  readonly elsewhere: string;
}

export interface CheckOptions {
  /** Through whose IMAP all mailboxes are read. */
  readonly imap: readonly Target[];
  readonly store: Store;
  /** Seconds that messages get to leave the queues. */
  readonly patience: number;
}

export interface CheckAnswer {
  readonly ok: boolean;
  /** The first of them. */
  readonly problems: readonly Problem[];
  readonly problemsInAll: number;
  readonly counts: Counts;
  readonly away: readonly Away[];
  /** Where the databases in force are, whose rows were compared. */
  readonly databases: RowsFound['places'];
}

/** How much was compared. */
export interface Counts {
  readonly old: number;
  readonly accepted: number;
  readonly unknown: number;
  readonly delayed: number;
  readonly leaving: number;
  /** Changes that the server confirmed, and those whose answer was lost. */
  readonly changes: number;
  readonly changesLost: number;
}

/** What was there before the load, by message ID. */
interface Old {
  readonly states: Map<string, { user: string; state: State }>;
  readonly hashes: Map<string, string>;
  readonly archived: readonly { readonly id: string; readonly user: string }[];
}

const MOST_PROBLEMS = 50;
/** Mailboxes that are read at a time. */
const LANES = 4;

/** Where a node has its mail that belongs to no cluster. */
export function storeOfA(lab: Lab, size: OldServerSize): Store {
  const { disk } = lab.machine('A');
  const installed = `${disk}${INSTALLATION}`;
  return {
    mail: `${installed}/mail`,
    archive: `${installed}/archive`,
    calendar: `${installed}/calendar`,
    elsewhere: elsewhereOnDisk(lab, size),
  };
}

/** Where a cluster has it: on the share, but for the mailbox elsewhere, which no rollout moves. */
export function storeOfShare(lab: Lab, size: OldServerSize): Store {
  const share = `${lab.machine('share').disk}/srv/icewarp/share`;
  return {
    mail: `${share}/mail`,
    archive: `${share}/archives`,
    calendar: `${share}/calendar`,
    elsewhere: elsewhereOnDisk(lab, size),
  };
}

/**
 * Compares all mail of a lab with what its load knows, when the load has stopped: through IMAP of nodes, on disks, in
 * queues and outside. Changes nothing, and uses nothing of what a rollout uses.
 */
export async function checkLoad(lab: Lab, { imap, store, patience }: CheckOptions): Promise<CheckAnswer> {
  const size = await productionOf(lab);
  const journal = readJournal(loadFiles(lab.directory).journal);
  const old = oldOf(size);
  const expectation = expectationOf(journal, LAB_DOMAIN, old.states);
  const hashes = new Map([...old.hashes, ...expectation.hashes]);
  const left = await settled(lab, patience);
  const problems: Problem[] = [];
  for (const target of imap) problems.push(...(await checkImap(lab, target, size, expectation, hashes)));
  const onDisk = await inLanes(usersOf(size), (user) => {
    const inside = join(store.mail, LAB_DOMAIN, user);
    return lookOnDisk(user === userElsewhere(size) ? store.elsewhere : inside, user);
  });
  problems.push(...compareMessages('disk', expectation, hashes, onDisk.flat()));
  problems.push(...(await checkArchive(store, size, expectation, old, hashes)));
  problems.push(...(await checkAttachments(store, size)));
  const rows = await checkRows(lab, size);
  problems.push(...rows.problems);
  problems.push(...checkOutside(expectation, left));
  for (const id of expectation.bounced) {
    problems.push({
      what: 'bounced',
      where: 'smtp',
      name: id,
      detail: 'refused for good, as if its recipient were unknown',
    });
  }
  return {
    ok: problems.length === 0,
    problems: problems.slice(0, MOST_PROBLEMS),
    problemsInAll: problems.length,
    counts: countsOf(journal, size),
    away: awayTimes(journal),
    databases: rows.places,
  };
}

function oldOf(size: OldServerSize): Old {
  const old = { states: new Map<string, { user: string; state: State }>(), hashes: new Map<string, string>() };
  const archived: { id: string; user: string }[] = [];
  for (const { id, user, folder, flags, data, archived: isArchived } of oldMessages(size)) {
    old.states.set(id, { user, state: { folder, flags } });
    old.hashes.set(id, hashOf(data));
    if (isArchived) archived.push({ id, user });
  }
  return { ...old, archived };
}

async function checkImap(
  lab: Lab,
  target: Target,
  size: OldServerSize,
  expectation: Expectation,
  hashes: ReadonlyMap<string, string>,
): Promise<Problem[]> {
  const ports = target === 'balancer' ? lab.ports.balancer : lab.ports.node;
  const server: Endpoint = { host: lab.addresses[target], port: ports.imap, localAddress: lab.addresses.clients };
  const where = `IMAP of ${target}`;
  const shown = await inLanes(usersOf(size), (user) => lookByImap(server, user, lab.secret('mail-users')));
  const messages = shown.flatMap((mailbox) => mailbox.messages);
  return [
    ...compareMessages(where, expectation, hashes, messages),
    ...shown.flatMap((mailbox) => compareMailbox(where, expectation, mailbox)),
  ];
}

/** What came by SMTP has one copy in the archive, whatever became of it since; of the old messages some have. */
async function checkArchive(
  { archive }: Store,
  size: OldServerSize,
  { messages }: Expectation,
  old: Old,
  hashes: ReadonlyMap<string, string>,
): Promise<Problem[]> {
  const states: readonly State[] = [{ folder: 'archive', flags: [] }];
  const expected = new Map<string, Expected>();
  for (const { id, user } of old.archived) expected.set(id, { user, there: 'always', states, halfMoved: false });
  for (const [id, { user, there }] of messages) {
    if (!old.states.has(id)) expected.set(id, { user, there, states, halfMoved: false });
  }
  const found: Found[][] = await inLanes(usersOf(size), (user) => lookInArchive(archive, user));
  return compareMessages('archive', { messages: expected }, hashes, found.flat());
}

async function checkAttachments({ calendar }: Store, size: OldServerSize): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const { path, data } of attachments(size)) {
    const now = await readFile(join(calendar, path)).catch(() => undefined);
    if (now !== undefined && now.equals(data)) continue;
    problems.push({
      what: 'attachment',
      where: 'calendar',
      name: path,
      detail: now === undefined ? 'lost' : 'not as it was',
    });
  }
  return problems;
}

/** What waits in the queues, and what has come outside, at one moment. */
interface Left {
  readonly queued: readonly Queued[];
  readonly arrived: readonly string[];
}

function checkOutside({ leaving, messages }: Expectation, { queued, arrived }: Left): Problem[] {
  const waiting = waitingMessages().map(({ id }) => [id, { there: 'always' }] as const);
  const problems = compareLeaving(new Map([...leaving, ...waiting]), arrived, queued);
  const later = laterIds();
  for (const { id, place } of queued) {
    if (!later.has(id) && (leaving.has(id) || messages.has(id))) {
      problems.push({ what: 'in-queue', where: place, name: id, detail: 'still waits' });
    }
  }
  return problems;
}

/**
 * Waits until nothing is in the queues but what the provider outside puts off; returns what is there then. A message
 * that comes between two looks, or has come and leaves its queue only an instant later, would be seen in both places.
 */
async function settled(lab: Lab, patience: number): Promise<Left> {
  const later = laterIds();
  const deadline = Date.now() + patience * 1000;
  for (;;) {
    const before = await lookAtArrivals(lab);
    const queued = await lookInQueues(lab);
    const arrived = await lookAtArrivals(lab);
    const stands = before.length === arrived.length && queued.every(({ id }) => later.has(id) && !arrived.includes(id));
    if (stands || Date.now() > deadline) return { queued, arrived };
    await sleep(200);
  }
}

function laterIds(): Set<string> {
  return new Set(waitingMessages().flatMap(({ id, to }) => (to.endsWith(`@${LATER_DOMAIN}`) ? [id] : [])));
}

function countsOf(journal: readonly Entry[], size: OldServerSize): Counts {
  const count = (matches: (entry: Entry) => boolean): number => journal.filter(matches).length;
  const answered = (state: string) => (entry: Entry) => entry.kind === 'answer' && entry.state === state;
  const sent = count(({ kind }) => kind === 'send');
  const answers = count(({ kind }) => kind === 'answer');
  const confirmed = new Map(journal.flatMap((entry) => (entry.kind === 'changed' ? [[entry.number, entry.done]] : [])));
  const begun = journal.filter((entry) => entry.kind === 'change');
  return {
    old: size.messages,
    accepted: count(answered('accepted')),
    unknown: count(answered('unknown')) + sent - answers,
    delayed: count(answered('delayed')),
    leaving: count((entry) => entry.kind === 'send' && !entry.to.endsWith(`@${LAB_DOMAIN}`)),
    changes: begun.filter(({ number }) => confirmed.get(number) === true).length,
    changesLost: begun.filter(({ number }) => !confirmed.has(number)).length,
  };
}

/** Does the same for each of them, some at a time; answers in their order. */
async function inLanes<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < all.length; index = next++) {
      const one = all[index];
      if (one !== undefined) results[index] = await work(one);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}
