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

/** Fills the databases of a server in production: accounts, entries in calendars, white and black lists, counts. */
export async function fillDatabases(
  machine: Machine,
  size: OldServerSize,
  passwords: { readonly users: string; readonly administrator: string },
  inboxes: ReadonlyMap<string, Count>,
): Promise<void> {
  const users = usersOf(size);
  const hash = hashPassword(passwords.users);
  await fill(machine, 'config/accounts.db', [
    row('Domains', LAB_DOMAIN, `admin@${LAB_DOMAIN}`),
    row('Users', 'admin', LAB_DOMAIN, hashPassword(passwords.administrator), 1, ''),
    ...users.map((user) => row('Users', user, LAB_DOMAIN, hash, 0, pathOf(user, size))),
  ]);
  const entries = users.flatMap((user) => Array.from({ length: ENTRIES_EACH }, (_, index) => entry(user, index)));
  await fill(
    machine,
    'calendar/groupware.db',
    entries.map((content, index) => row('Items', index + 1, JSON.stringify(content))),
  );
  const senders = Array.from({ length: SENDERS }, (_, index) =>
    row('Senders', `sender${index}@outside.test`, index % 2),
  );
  await fill(machine, 'spam/antispam.db', senders);
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
