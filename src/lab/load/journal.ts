import {
  closeSync,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import type { Folder } from '../production/old-server.js';

/** What a client does to a message of its mailbox. */
export type Change =
  | { readonly what: 'flag'; readonly flag: string; readonly on: boolean }
  | { readonly what: 'move'; readonly to: Folder }
  | { readonly what: 'delete' };

/** The services whose absence is measured. */
export type Service = 'smtp' | 'imap';

/** One line of the load's journal. `at`: milliseconds since 1970. */
export type Entry =
  /** A run of the load begins; numbers come from its seed. */
  | { readonly kind: 'begin'; readonly at: number; readonly run: number; readonly seed: number }
  | { readonly kind: 'end'; readonly at: number }
  /** A folder as it was when the load met it for the first time in this run. */
  | { readonly kind: 'folder'; readonly user: string; readonly folder: string; readonly uidValidity: string }
  /** A message is about to be handed over; `hash` is that of its body. Without an `answer` it is unknown. */
  | { readonly kind: 'send'; readonly id: string; readonly to: string; readonly hash: string }
  | { readonly kind: 'answer'; readonly id: string; readonly state: 'accepted' | 'bounced' | 'delayed' | 'unknown' }
  /** A client is about to change a message. Without a `changed` nobody knows whether it did. */
  | {
      readonly kind: 'change';
      readonly number: number;
      readonly user: string;
      readonly id: string;
      readonly change: Change;
    }
  | { readonly kind: 'changed'; readonly number: number; readonly done: boolean }
  /** The same for the remark on a client's inbox, which the server writes in place. */
  | { readonly kind: 'remark'; readonly number: number; readonly user: string; readonly text: string }
  /** A service did not serve since it last did, which was then; and serves again. */
  | { readonly kind: 'away'; readonly service: Service; readonly since: number; readonly reason: string }
  | { readonly kind: 'back'; readonly service: Service; readonly at: number };

/** The load's files in a lab's folder. */
export const loadFiles = (directory: string): Record<'journal' | 'target' | 'log', string> => ({
  journal: join(directory, 'load/journal.jsonl'),
  target: join(directory, 'load/target'),
  log: join(directory, 'load/load.log'),
});

/** What the load did and saw, one line each. A line that says what a server answered is durable before the next step. */
export class Journal {
  private readonly file: number;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.file = openSync(path, 'a+', 0o600);
    // a killed load may have left half of a last line
    const text = readFileSync(path);
    ftruncateSync(this.file, text.lastIndexOf('\n') + 1);
  }

  note(entry: Entry): void {
    writeSync(this.file, `${JSON.stringify(entry)}\n`);
    if (entry.kind === 'answer' || entry.kind === 'changed') fdatasyncSync(this.file);
  }

  close(): void {
    closeSync(this.file);
  }
}

/** All lines of a journal that are whole; none where no load has ever run: then what was there before is all there is. */
export function readJournal(path: string): Entry[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Entry);
}
