import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Lab } from '../handle.js';
import { LAB_DOMAIN, NODES } from '../layout.js';
import { ARRIVALS } from '../outside-server.js';
import { INSTALLATION } from '../production/content.js';
import { FOLDERS } from '../production/old-server.js';
import type { Endpoint } from './connection.js';
import { ImapSession } from './imap.js';
import { comparedHash, idOf } from './message-id.js';

/** A message somewhere. */
export interface Found {
  readonly id: string;
  readonly user: string;
  readonly folder: string;
  /** As IMAP names them, sorted: those that users set. */
  readonly flags: readonly string[];
  readonly hash: string;
}

/** What IMAP shows of one mailbox. */
export interface Shown {
  readonly user: string;
  readonly messages: readonly Found[];
  /** Folder → UIDVALIDITY. */
  readonly folders: ReadonlyMap<string, string>;
  /** The remark on the inbox; empty without one. */
  readonly remark: string;
}

/** A message in a queue. */
export interface Queued {
  readonly id: string;
  /** Node and file. */
  readonly place: string;
}

const USER_FLAGS: ReadonlySet<string> = new Set(['\\Answered', '\\Flagged', '\\Seen']);
const FLAG_OF_LETTER: Readonly<Record<string, string>> = { R: '\\Answered', F: '\\Flagged', S: '\\Seen' };

/** Reads a whole mailbox through IMAP, without changing anything in it. */
export async function lookByImap(server: Endpoint, user: string, password: string): Promise<Shown> {
  const imap = await ImapSession.open(server, `${user}@${LAB_DOMAIN}`, password);
  try {
    const messages: Found[] = [];
    const folders = new Map<string, string>();
    for (const folder of await imap.folders()) {
      folders.set(folder, await imap.open(folder, 'EXAMINE'));
      for (const { flags, content } of await imap.fetch(1, 'BODY.PEEK[]')) {
        messages.push(foundAs(user, folder.replace(/^INBOX\./, ''), flags, content));
      }
    }
    return { user, messages, folders, remark: (await imap.remark('INBOX')) ?? '' };
  } finally {
    imap.close();
  }
}

/** Reads a whole mailbox from the disk: `home` is its folder. */
export async function lookOnDisk(home: string, user: string): Promise<Found[]> {
  const messages: Found[] = [];
  for (const [folder, place] of Object.entries(FOLDERS)) {
    for (const part of ['new', 'cur']) {
      const path = join(home, 'inbox', place, part);
      for (const name of await namesIn(path)) {
        const letters = /:2,([A-Za-z]*)$/.exec(name)?.[1] ?? '';
        const flags = Array.from(letters, (letter) => FLAG_OF_LETTER[letter] ?? '');
        messages.push(foundAs(user, folder, flags, await readFile(join(path, name))));
      }
    }
  }
  return messages;
}

/** The messages in the archive of one user. */
export async function lookInArchive(archive: string, user: string): Promise<Found[]> {
  const path = join(archive, LAB_DOMAIN, user, 'inbox');
  const names = (await namesIn(path)).filter((name) => name.endsWith('.imap'));
  return Promise.all(names.map(async (name) => foundAs(user, 'archive', [], await readFile(join(path, name)))));
}

/** The message IDs that came to the domains elsewhere, in order. */
export async function lookAtArrivals(lab: Lab): Promise<string[]> {
  const text = await readFile(lab.machine('control').disk + ARRIVALS, 'utf8').catch(() => '');
  return text.split('\n').slice(0, -1);
}

/** What waits in the queues in force of all nodes: those that path.dat names, or those below the mail folder. */
export async function lookInQueues(lab: Lab): Promise<Queued[]> {
  const queued: Queued[] = [];
  for (const node of NODES) {
    const { disk } = lab.machine(node);
    const pathDat = await readFile(`${disk}${INSTALLATION}/path.dat`, 'utf8').catch(() => '');
    const line = (number: number): string => pathDat.split('\n')[number - 1]?.trim() ?? '';
    const outgoing = line(8) || `${INSTALLATION}/mail/_outgoing/`;
    for (const folder of [
      outgoing,
      line(9) || join(outgoing, 'retry/'),
      line(13) || `${INSTALLATION}/mail/_incoming/`,
    ]) {
      for (const name of await namesIn(disk + folder)) {
        if (!name.endsWith('.dat')) continue;
        // a queue that is worked through loses files between two looks
        const data = await readFile(join(disk + folder, name)).catch(() => undefined);
        if (data !== undefined) queued.push({ id: idOf(data), place: `${node}:${join(folder, name)}` });
      }
    }
  }
  return queued;
}

function foundAs(user: string, folder: string, flags: readonly string[], data: Buffer): Found {
  const id = idOf(data);
  const own = flags.filter((flag) => USER_FLAGS.has(flag)).sort();
  return { id, user, folder, flags: own, hash: comparedHash(id, data) };
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
}
