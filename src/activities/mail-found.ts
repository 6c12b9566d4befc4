import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import type { TreeName } from '../icewarp/mail-tree.js';
import { writeFileAtomic } from '../platform/atomic-file.js';
import { runCommand } from '../platform/run.js';
import type { Agent } from './agent.js';
import { PROOF_PREFIX } from './folder-set.js';
import {
  changedIn,
  inventoryText,
  lostFrom,
  parseInventory,
  totalsOf,
  type Inventory,
  type InventoryTotals,
  type Loss,
  type MailboxCount,
} from './mail-inventory.js';
import { asProcessUser, writeSynced, type ProcessUser } from './process-user.js';
import type { Context, Procedure } from './resource.js';
import { assertShareMounted } from './share-mounted.js';

export interface MailFoundInput {
  readonly what: TreeName;
  /** Folder on the share in which the mail now is. */
  readonly to: string;
  /** Where the share is mounted, and the cluster that its sentinel must name. */
  readonly mount: string;
  readonly cluster: string;
  /** The mail server's process user. */
  readonly owner: ProcessUser;
  /** A shared folder through which the nodes are given the list. */
  readonly pass: string;
  /** The node that made the list: it looks last, and takes the list off the share. */
  readonly own: boolean;
}

export interface MailFound {
  readonly mailboxes: number;
  /** Mailboxes that there was no time for, while users wait. */
  readonly unseen: number;
  readonly sampled: number;
}

/** Milliseconds that counting may take: users wait. Then the rest is left to the copy's own verification. */
const COUNTING = 120_000;
/** Milliseconds until what one node wrote must be visible on another, and between two looks. */
const PATIENCE = 10_000;
const PAUSE = 500;
/** Milliseconds per command on the share. */
const COMMAND = 60_000;
/** Mailboxes and files per command, and commands side by side: a share answers many questions at once. */
const BATCH = 50;
const BATCH_FILES = 20_000;
const LANES = 4;
/** How many losses a message names. */
const NAMED = 3;

/** Keeps the list of what a tree held on this node's own disk. */
export async function keepInventory(agent: Agent, what: MailFoundInput['what'], inventory: Inventory): Promise<void> {
  await mkdir(agent.config.stateDir, { recursive: true, mode: 0o700 });
  await writeFileAtomic(ownList(agent, what), inventoryText(inventory));
}

/** Gives the list up. */
export async function dropInventory(agent: Agent, what: MailFoundInput['what']): Promise<void> {
  for (const file of [ownList(agent, what), lossesOf(agent, what)]) await rm(file, { force: true });
}

/** Lays the list where every node can read it (rule 18): on the share, readable by its user only. */
export const shareInventory: Procedure<MailFoundInput, InventoryTotals, 'node'> = {
  place: 'node',
  async run(input, { agent, signal }) {
    const { mount, cluster, owner, what } = input;
    await assertShareMounted(mount, cluster, signal);
    const text = await readList(agent, what);
    const shared = sharedList(input);
    await writeSynced(shared, text, asProcessUser(owner, signal, COMMAND));
    await runCommand('chmod', ['600', shared], asProcessUser(owner, signal));
    return totalsOf(parseInventory(text, ownList(agent, what)));
  },
};

/**
 * Proves as the mail server's user that this node sees the mail as it was: no mailbox holds less, and a sample of
 * messages and index files has the same content (rule 18). To be run while the services are stopped: later, users move
 * and delete.
 *
 * @throws RolloutError MAIL_MISSING with the first losses; all are listed in a file on this node.
 */
export const mailFound: Procedure<MailFoundInput, MailFound, 'node'> = {
  place: 'node',
  async run(input, context) {
    const { mount, cluster, owner, what, own } = input;
    const { agent, signal } = context;
    await assertShareMounted(mount, cluster, signal);
    const { mailboxes, sample } = await listFor(input, context);
    const deadline = Date.now() + COUNTING;
    const order = inSeededOrder(mailboxes, cluster);
    const { counted, unseen } = await countAll(order, input, signal, deadline);
    let losses = await lossesIn({ mailboxes: counted.before, sample }, counted.now, input, signal);
    for (const until = Date.now() + PATIENCE; losses.length > 0 && Date.now() < until;) {
      await sleep(PAUSE, undefined, { signal });
      const suspects = counted.before.filter(({ mailbox }) => losses.some((loss) => loss.what === mailbox));
      const again = await countSome(suspects, input, signal);
      losses = await lossesIn({ mailboxes: suspects, sample }, again, input, signal);
    }
    if (losses.length > 0) throw await missing(losses, what, agent);
    if (own) await runCommand('rm', ['--force', '--', sharedList(input)], asProcessUser(owner, signal));
    return { mailboxes: counted.before.length, unseen, sampled: sample.length };
  },
};

/** The node that made the list has it on its own disk; it may have taken it off the share already. */
async function listFor(input: MailFoundInput, { agent, signal }: Context): Promise<Inventory> {
  const { own, what, owner } = input;
  if (own) return parseInventory(await readList(agent, what), ownList(agent, what));
  const shared = sharedList(input);
  const { stdout } = await runCommand('cat', ['--', shared], asProcessUser(owner, signal, COMMAND)).catch(
    (cause: unknown) => {
      if (cause instanceof RolloutError && cause.code === 'COMMAND_FAILED') throw noList(shared, cause);
      throw cause;
    },
  );
  return parseInventory(stdout, shared);
}

async function readList(agent: Agent, what: MailFoundInput['what']): Promise<string> {
  const file = ownList(agent, what);
  return await readFile(file, 'utf8').catch((cause: unknown) => {
    throw noList(file, cause);
  });
}

function noList(file: string, cause: unknown): RolloutError {
  return new RolloutError('MAIL_MISSING', `the list of what the old mail held cannot be read here: ${file}`, { cause });
}

/** Where there is no time for all, every mailbox has the same chance. */
function inSeededOrder(mailboxes: readonly MailboxCount[], seed: string): readonly MailboxCount[] {
  const key = ({ mailbox }: MailboxCount): string => createHash('sha256').update(`${seed}\0${mailbox}`).digest('hex');
  const keyed = mailboxes.map((count) => ({ count, key: key(count) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ count }) => count);
}

async function countAll(
  order: readonly MailboxCount[],
  input: MailFoundInput,
  signal: AbortSignal,
  deadline: number,
): Promise<{ counted: { before: readonly MailboxCount[]; now: readonly MailboxCount[] }; unseen: number }> {
  const before: MailboxCount[] = [];
  const now: MailboxCount[] = [];
  const batches = batchesOf(order);
  const lane = async (): Promise<void> => {
    while (Date.now() < deadline) {
      const batch = batches.shift();
      if (batch === undefined) return;
      const counted = await unlessTooSlow(countSome(batch, input, signal));
      if (counted === null) continue;
      now.push(...counted);
      before.push(...batch);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { counted: { before, now }, unseen: order.length - before.length };
}

/** Few enough files for one command to end in time. */
function batchesOf(order: readonly MailboxCount[]): MailboxCount[][] {
  const batches: MailboxCount[][] = [];
  let files = 0;
  for (const count of order) {
    const last = batches.at(-1);
    files += count.files;
    if (last !== undefined && last.length < BATCH && files <= BATCH_FILES) last.push(count);
    else {
      batches.push([count]);
      files = count.files;
    }
  }
  return batches;
}

/** A share that is too slow to be counted while users wait is no loss of mail: null. */
async function unlessTooSlow<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof RolloutError && error.code === 'COMMAND_TIMEOUT') return null;
    throw error;
  }
}

/** Counts mailboxes as the process user. One that is not there has nothing in it. */
async function countSome(
  mailboxes: readonly MailboxCount[],
  { to, owner }: MailFoundInput,
  signal: AbortSignal,
): Promise<readonly MailboxCount[]> {
  if (mailboxes.length === 0) return [];
  const folders = mailboxes.map(({ mailbox }) => join(to, mailbox));
  const { stdout } = await runCommand('find', [...folders, '-type', 'f', '-printf', '%s %H\\0'], {
    ...asProcessUser(owner, signal, COUNTING),
    accept: [0, 1],
  });
  const found = new Map<string, { files: number; bytes: number }>();
  for (const entry of stdout.split('\0')) {
    const space = entry.indexOf(' ');
    if (space < 0) continue;
    const folder = entry.slice(space + 1);
    const { files, bytes } = found.get(folder) ?? { files: 0, bytes: 0 };
    found.set(folder, { files: files + 1, bytes: bytes + Number(entry.slice(0, space)) });
  }
  return mailboxes.map(({ mailbox }, index) => ({
    mailbox,
    ...(found.get(folders[index] ?? '') ?? { files: 0, bytes: 0 }),
  }));
}

async function lossesIn(
  { mailboxes, sample }: Inventory,
  now: readonly MailboxCount[],
  { to, owner }: MailFoundInput,
  signal: AbortSignal,
): Promise<readonly Loss[]> {
  const read = new Map<string, string>();
  if (sample.length > 0) {
    const files = sample.map(({ path }) => join(to, path));
    const { stdout } = await runCommand('sha256sum', ['--zero', '--', ...files], {
      ...asProcessUser(owner, signal, COUNTING),
      accept: [0, 1],
    });
    const root = join(to, '/');
    for (const entry of stdout.split('\0')) {
      const [, hash = '', path = ''] = /^([0-9a-f]{64}) [ *]([\s\S]+)$/.exec(entry) ?? [];
      if (path.startsWith(root)) read.set(path.slice(root.length), hash);
    }
  }
  return [...lostFrom(mailboxes, now), ...changedIn(sample, read)];
}

async function missing(losses: readonly Loss[], what: MailFoundInput['what'], agent: Agent): Promise<RolloutError> {
  const file = lossesOf(agent, what);
  await mkdir(agent.config.stateDir, { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, losses.map((loss) => `${JSON.stringify(loss)}\n`).join(''));
  const first = losses.slice(0, NAMED).map((loss) => `${loss.what}: ${loss.now}, before the move ${loss.before}`);
  return new RolloutError(
    'MAIL_MISSING',
    `${losses.length} mailboxes or files are not as they were before the move: ${first.join('; ')}; all are listed in ${file}`,
  );
}

function ownList(agent: Agent, what: MailFoundInput['what']): string {
  return join(agent.config.stateDir, `inventory-${what}.jsonl`);
}

function lossesOf(agent: Agent, what: MailFoundInput['what']): string {
  return join(agent.config.stateDir, `inventory-${what}-losses.jsonl`);
}

function sharedList({ pass, what }: MailFoundInput): string {
  return join(pass, `${PROOF_PREFIX}inventory-${what}`);
}
