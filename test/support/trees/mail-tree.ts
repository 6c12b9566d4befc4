import { closeSync, mkdirSync, openSync, renameSync, rmSync, utimesSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { Random } from './random.js';

const FOLDERS_PER_USER = 5;
const USERS_PER_DOMAIN = 20;
const POOL_BYTES = 1 << 20;
const FOLDER_NAMES = ['inbox', 'sent', 'archive', 'projects', '~trash'] as const;

/** Seconds since 1970 between which the messages arrived. */
const ARRIVED = { first: 1_500_000_000, last: 1_700_000_000 };

/** What a tree of messages is to be like. */
export interface MailTreeOptions {
  readonly seed: number;
  readonly files: number;
  /** Messages per folder; default 100. */
  readonly filesPerFolder?: number;
  /** Bytes of every message; without it 2–60 kB, 23 kB on average. */
  readonly bytes?: number;
}

/** A tree of messages that {@link makeMailTree} made. */
export interface MailTree {
  readonly root: string;
  readonly files: number;
  readonly bytes: number;
  readonly folders: number;
  /** Where message `index` (from 0) is, below the root. */
  readonly path: (index: number) => string;
}

/** How many messages {@link changeMailTree} is to change in which way. */
export interface MailChanges {
  readonly seed: number;
  readonly changed?: number;
  readonly added?: number;
  readonly removed?: number;
  /** Get another name in the same folder, as when a flag is set that is part of the name. */
  readonly renamed?: number;
}

/** Makes `domain/user/folder/message` below `root`, the same for the same seed; owner and mode are the maker's. */
export function makeMailTree(root: string, options: MailTreeOptions): MailTree {
  const { seed, files, filesPerFolder = 100 } = options;
  const random = new Random(seed);
  const pool = random.text(POOL_BYTES);
  const path = (index: number): string => pathOf(index, filesPerFolder);
  let bytes = 0;
  let folder = '';
  for (let index = 0; index < files; index += 1) {
    const file = join(root, path(index));
    if (index % filesPerFolder === 0) {
      folder = dirname(file);
      mkdirSync(folder, { recursive: true });
    }
    const length = options.bytes ?? random.skewed(2_000, 7_000, 60_000);
    writeMessage(file, message(`${seed}.${index}`, length, pool, random));
    const arrived = ARRIVED.first + random.next() * (ARRIVED.last - ARRIVED.first);
    utimesSync(file, arrived, arrived);
    bytes += length;
  }
  return { root, files, bytes, folders: Math.ceil(files / filesPerFolder), path };
}

/**
 * Changes some messages of a tree that is otherwise as it was made, each at most once. Contents change with their size;
 * what is added arrives in folders that exist.
 *
 * @returns the bytes of what is changed and added
 */
export function changeMailTree(tree: MailTree, changes: MailChanges): number {
  const random = new Random(changes.seed);
  const pool = random.text(POOL_BYTES);
  const untouched = Array.from({ length: tree.files }, (_, index) => index);
  const take = (): string => {
    const at = random.between(0, untouched.length - 1);
    const [index] = untouched.splice(at, 1);
    if (index === undefined) throw new Error('more changes are asked for than there are messages');
    return join(tree.root, tree.path(index));
  };
  const times = (count: number | undefined, act: () => void): void => {
    for (let done = 0; done < (count ?? 0); done += 1) act();
  };
  let bytes = 0;
  const write = (file: string, name: string): void => {
    const length = random.skewed(2_000, 7_000, 60_000);
    writeMessage(file, message(name, length, pool, random));
    bytes += length;
  };
  times(changes.changed, () => write(take(), `changed.${changes.seed}`));
  times(changes.added, () => {
    const beside = join(tree.root, tree.path(random.between(0, tree.files - 1)));
    write(join(dirname(beside), `new-${changes.seed}-${random.between(0, 2 ** 40)}.imap`), `added.${changes.seed}`);
  });
  times(changes.removed, () => rmSync(take()));
  times(changes.renamed, () => {
    const file = take();
    renameSync(file, `${file}.seen-${changes.seed}`);
  });
  return bytes;
}

function pathOf(index: number, filesPerFolder: number): string {
  const folder = Math.floor(index / filesPerFolder);
  const user = Math.floor(folder / FOLDERS_PER_USER);
  const domain = Math.floor(user / USERS_PER_DOMAIN);
  const name = `2024${String(index % filesPerFolder).padStart(8, '0')}.imap`;
  return `domain-${domain}.test/user-${user}/${FOLDER_NAMES[folder % FOLDERS_PER_USER] ?? ''}/${name}`;
}

/** A message whose head no other message has, so that mixed-up contents are noticed. */
function message(name: string, length: number, pool: Buffer, random: Random): Buffer {
  const head = Buffer.from(`Message-ID: <${name}@example.test>\r\n\r\n`);
  if (head.length >= length) return head.subarray(0, length);
  const start = random.between(0, pool.length - 1);
  const body = Buffer.alloc(length - head.length, pool.subarray(start, start + 65_536));
  return Buffer.concat([head, body]);
}

function writeMessage(file: string, content: Buffer): void {
  const descriptor = openSync(file, 'w');
  try {
    writeSync(descriptor, content);
  } finally {
    closeSync(descriptor);
  }
}
