import { join } from 'node:path';

import type { Machine } from '../machine.js';
import { LAB_DOMAIN } from '../layout.js';
import { hashPassword } from '../standin/accounts.js';
import {
  attachmentPath,
  attachments,
  ATTACHMENTS_EACH,
  type Folder,
  FOLDERS,
  oldMessages,
  type OldServerSize,
  userElsewhere,
  usersOf,
  waitingFile,
  waitingMessages,
} from './old-server.js';
import { FileWriter } from './write-files.js';

/** Where the stand-in is installed. */
export const INSTALLATION = '/opt/icewarp';

/** Where the mailbox outside of the mail folder lies: below this folder as it would below the mail folder. */
export const ELSEWHERE = '/srv/mailboxes';

const FLAG_LETTERS: Readonly<Record<string, string>> = { '\\Answered': 'R', '\\Flagged': 'F', '\\Seen': 'S' };
const ENTRIES_EACH = 20;
const SENDERS = 500;

/** What the directory cache has to know of one inbox. */
interface Count {
  messages: number;
  bytes: number;
}

/** Writes what is on the disk of a server in production, and returns what its inboxes hold. */
export function writeFiles(machine: Machine, owner: number, size: OldServerSize): ReadonlyMap<string, Count> {
  const writer = new FileWriter(owner);
  const installed = join(machine.disk, INSTALLATION);
  const homes = new Map(usersOf(size).map((user) => [user, homeOnDisk(machine.disk, user, size)]));
  for (const home of homes.values()) makeMaildirs(writer, home);
  const inboxes = new Map<string, Count>();
  for (const { user, folder, flags, name, data, came, archived } of oldMessages(size)) {
    writer.write(`${homes.get(user) ?? ''}inbox/${FOLDERS[folder]}${maildirName(name, flags)}`, data, came);
    if (archived) writer.write(`${installed}/archive/${LAB_DOMAIN}/${user}/inbox/${name}`, data, came);
    if (folder === 'INBOX') count(inboxes, user, data.length);
  }
  for (const [index, message] of waitingMessages().entries()) {
    const name = `20240506070809-${String(index + 1).padStart(4, '0')}.dat`;
    writer.write(`${installed}/mail/${message.queue}/${name}`, waitingFile(message));
  }
  for (const { path, data } of attachments(size)) writer.write(`${installed}/calendar/${path}`, data);
  return inboxes;
}

/** A mailbox's folder, as it is seen from outside of the machine. */
export function homeOnDisk(disk: string, user: string, size: OldServerSize): string {
  const root = user === userElsewhere(size) ? ELSEWHERE : `${INSTALLATION}/mail`;
  return `${disk}${root}/${LAB_DOMAIN}/${user}/`;
}

interface Content {
  readonly accounts: readonly (readonly [mailbox: string, domain: string, admin: number, path: string])[];
  readonly groupware: readonly (readonly [id: number, content: string])[];
  readonly antispam: readonly (readonly [sender: string, verdict: number])[];
}

/** Rows as JSON lists of their values, without passwords. */
export type Rows = Readonly<Record<keyof Content, readonly string[]>>;

/** The rows that are there before the load, and that nobody changes. */
export function expectedRows(size: OldServerSize): Rows {
  const { accounts, groupware, antispam } = contentOf(size);
  const texts = (rows: readonly (readonly unknown[])[]): string[] => rows.map((values) => JSON.stringify(values));
  return { accounts: texts(accounts), groupware: texts(groupware), antispam: texts(antispam) };
}

function contentOf(size: OldServerSize): Content {
  const users = usersOf(size);
  const entries = users.flatMap((user) => Array.from({ length: ENTRIES_EACH }, (_, index) => entry(user, index)));
  return {
    accounts: [
      ['admin', LAB_DOMAIN, 1, ''],
      ...users.map((user) => [user, LAB_DOMAIN, 0, pathOf(user, size)] as const),
    ],
    groupware: entries.map((content, index) => [index + 1, JSON.stringify(content)]),
    antispam: Array.from({ length: SENDERS }, (_, index) => [`sender${index}@outside.test`, index % 2]),
  };
}

/** Fills the databases of a server in production: accounts, entries in calendars, white and black lists, counts. */
export async function fillDatabases(
  machine: Machine,
  size: OldServerSize,
  passwords: { readonly users: string; readonly administrator: string },
  inboxes: ReadonlyMap<string, Count>,
): Promise<void> {
  const rows = contentOf(size);
  const hash = hashPassword(passwords.users);
  await fill(machine, 'config/accounts.db', [
    row('Domains', LAB_DOMAIN, `admin@${LAB_DOMAIN}`),
    ...rows.accounts.map(([mailbox, domain, admin, path]) => {
      return row('Users', mailbox, domain, admin === 1 ? hashPassword(passwords.administrator) : hash, admin, path);
    }),
  ]);
  await fill(
    machine,
    'calendar/groupware.db',
    rows.groupware.map((values) => row('Items', ...values)),
  );
  await fill(
    machine,
    'spam/antispam.db',
    rows.antispam.map((values) => row('Senders', ...values)),
  );
  const counts = [...inboxes].map(([user, { messages, bytes }]) =>
    row('Folders', `${LAB_DOMAIN}/${user}/inbox`, messages, bytes),
  );
  await fill(machine, 'config/directorycache.db', counts);
}

/** Where the account database says that a mailbox is; empty inside of the mail folder. */
export function pathOf(user: string, size: OldServerSize): string {
  return user === userElsewhere(size) ? `${ELSEWHERE}/${LAB_DOMAIN}/${user}/` : '';
}

/** An entry in a calendar; the first ones have a file of their own beside the database. */
function entry(user: string, index: number): object {
  const event = { owner: `${user}@${LAB_DOMAIN}`, kind: 'event', day: index + 1 };
  return index < ATTACHMENTS_EACH ? { ...event, attachment: attachmentPath(user, index) } : event;
}

function makeMaildirs(writer: FileWriter, home: string): void {
  for (const folder of Object.keys(FOLDERS) as Folder[]) {
    for (const part of ['new', 'cur', 'tmp']) writer.folder(`${home}inbox/${FOLDERS[folder]}${part}`);
  }
}

/** Dovecot keeps flags in the name of a message; one that nobody has seen may still be in `new`. */
function maildirName(name: string, flags: readonly string[]): string {
  if (flags.length === 0) return `new/${name}`;
  const letters = flags.map((flag) => FLAG_LETTERS[flag] ?? '').sort();
  return `cur/${name}:2,${letters.join('')}`;
}

function count(inboxes: Map<string, Count>, user: string, bytes: number): void {
  const known = inboxes.get(user) ?? { messages: 0, bytes: 0 };
  inboxes.set(user, { messages: known.messages + 1, bytes: known.bytes + bytes });
}

function row(table: string, ...values: readonly (string | number)[]): string {
  const quoted = values.map((value) => (typeof value === 'number' ? value : `'${value.replaceAll("'", "''")}'`));
  return `INSERT INTO ${table} VALUES (${quoted.join(', ')});`;
}

/** Runs statements at once on a database file of a stopped server. */
async function fill(machine: Machine, file: string, statements: readonly string[]): Promise<void> {
  const input = ['BEGIN;', ...statements, 'COMMIT;', ''].join('\n');
  await machine.run('sqlite3', ['-batch', '-bail', `${INSTALLATION}/${file}`], { input });
}
