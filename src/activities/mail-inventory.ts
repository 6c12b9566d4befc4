import { createHash } from 'node:crypto';

import { RolloutError } from '../cluster/errors.js';
import { below, hashFile, type TreeEntry } from '../platform/tree.js';

/** What one mailbox (with hashed folders: one group of them) held. */
export interface MailboxCount {
  /** Its folder below the mail folder. */
  readonly mailbox: string;
  readonly files: number;
  readonly bytes: number;
}

export interface SampledFile {
  readonly path: string;
  readonly sha256: string;
}

/** What a tree of mail held at a moment when nobody wrote to it. */
export interface Inventory {
  readonly mailboxes: readonly MailboxCount[];
  readonly sample: readonly SampledFile[];
}

/** How much an inventory is, for history: never names. */
export interface InventoryTotals {
  readonly mailboxes: number;
  readonly files: number;
  readonly bytes: number;
  readonly sampled: number;
  /** Of the list. */
  readonly sha256: string;
}

/** Files read again by every node; larger ones would cost downtime. */
const MOST_MESSAGES = 100;
const MOST_INDEXES = 50;
const LARGEST = 1024 * 1024;

/** Messages are files called `….imap`, which Dovecot's flags may follow; what is written over in place has other names. */
const MESSAGE = /\.imap(:|$)/;
const INDEX = /(^|\/)(imapindex\.|flags[^/]*\.dat$)/;

/** Gathers an inventory while a tree is walked, in memory that grows with the mailboxes and not with the messages. */
export class InventoryDraft {
  readonly #mailboxes = new Map<string, { files: number; bytes: number }>();
  readonly #messages: Sampler;
  readonly #indexes: Sampler;

  /** @param seed - which files are sampled: the same ones for the same seed and tree. */
  constructor(seed: string) {
    this.#messages = new Sampler(seed, MOST_MESSAGES);
    this.#indexes = new Sampler(seed, MOST_INDEXES);
  }

  add({ path, kind, stats }: TreeEntry): void {
    if (kind !== 'file') return;
    const text = path.toString('utf8');
    // a name that is no text cannot be an argument of a command; the copy's own verification has seen it
    if (!Buffer.from(text).equals(path) || text.includes('\n')) return;
    const [domain, mailbox, ...rest] = text.split('/');
    if (domain === undefined || mailbox === undefined || rest.length === 0) return;
    const key = `${domain}/${mailbox}`;
    const count = this.#mailboxes.get(key) ?? { files: 0, bytes: 0 };
    this.#mailboxes.set(key, { files: count.files + 1, bytes: count.bytes + Number(stats.size) });
    if (stats.size > LARGEST) return;
    if (MESSAGE.test(text)) this.#messages.offer(text);
    else if (INDEX.test(text)) this.#indexes.offer(text);
  }

  /** Hashes the sampled files. @param root - the tree that was walked. */
  async finished(root: Buffer, signal: AbortSignal): Promise<Inventory> {
    const sample: SampledFile[] = [];
    for (const path of [...this.#messages.chosen, ...this.#indexes.chosen]) {
      sample.push({ path, sha256: await hashFile(below(root, Buffer.from(path)), signal) });
    }
    const mailboxes = [...this.#mailboxes].map(([mailbox, count]) => ({ mailbox, ...count }));
    return { mailboxes, sample };
  }
}

/** Keeps the names whose hash with the seed is lowest: a fair choice that does not depend on the order of the walk. */
class Sampler {
  #lowest: { readonly key: string; readonly path: string }[] = [];

  constructor(
    private readonly seed: string,
    private readonly most: number,
  ) {}

  offer(path: string): void {
    const key = createHash('sha256').update(`${this.seed}\0${path}`).digest('hex');
    const last = this.#lowest[this.most - 1];
    if (last !== undefined && key > last.key) return;
    const place = this.#lowest.findIndex((one) => one.key > key);
    this.#lowest.splice(place < 0 ? this.#lowest.length : place, 0, { key, path });
    this.#lowest.length = Math.min(this.#lowest.length, this.most);
  }

  get chosen(): readonly string[] {
    return this.#lowest.map(({ path }) => path);
  }
}

/** The list as JSON lines; the last one is the hash of the others, so that a list that is cut off is noticed. */
export function inventoryText({ mailboxes, sample }: Inventory): string {
  const lines = [...mailboxes, ...sample].map((line) => `${JSON.stringify(line)}\n`).join('');
  return `${lines}${JSON.stringify({ end: hashOf(lines) })}\n`;
}

/** @throws RolloutError STATE_DAMAGED for a list that is cut off or was changed. */
export function parseInventory(text: string, file: string): Inventory {
  const cut = text.trimEnd().lastIndexOf('\n') + 1;
  const lines = text.slice(0, cut);
  if (text.slice(cut).trimEnd() !== JSON.stringify({ end: hashOf(lines) })) {
    throw new RolloutError('STATE_DAMAGED', `${file} is no whole list of mailboxes`);
  }
  const entries = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as MailboxCount | SampledFile);
  return {
    mailboxes: entries.filter((entry) => 'mailbox' in entry),
    sample: entries.filter((entry) => 'sha256' in entry),
  };
}

/** Totals for history. */
export function totalsOf(inventory: Inventory): InventoryTotals {
  const { mailboxes, sample } = inventory;
  return {
    mailboxes: mailboxes.length,
    files: mailboxes.reduce((sum, { files }) => sum + files, 0),
    bytes: mailboxes.reduce((sum, { bytes }) => sum + bytes, 0),
    sampled: sample.length,
    sha256: hashOf(inventoryText(inventory)),
  };
}

/** One thing that is not as it was. */
export interface Loss {
  readonly what: string;
  readonly before: string;
  readonly now: string;
}

/** What mailboxes have lost. More than before is no loss: mail goes on coming in. Pure. */
export function lostFrom(before: readonly MailboxCount[], now: readonly MailboxCount[]): readonly Loss[] {
  const there = new Map(now.map((count) => [count.mailbox, count]));
  return before.flatMap((was) => {
    const { files, bytes } = there.get(was.mailbox) ?? { files: 0, bytes: 0 };
    if (files >= was.files && bytes >= was.bytes) return [];
    return [
      { what: was.mailbox, before: `${was.files} files, ${was.bytes} bytes`, now: `${files} files, ${bytes} bytes` },
    ];
  });
}

/** Which sampled files are missing or have another content. Pure. */
export function changedIn(before: readonly SampledFile[], now: ReadonlyMap<string, string>): readonly Loss[] {
  return before.flatMap(({ path, sha256 }) => {
    const is = now.get(path);
    return is === sha256
      ? []
      : [{ what: path, before: `sha256 ${sha256}`, now: is === undefined ? 'missing' : `sha256 ${is}` }];
  });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
