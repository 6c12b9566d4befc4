import { LAB_DOMAIN } from '../layout.js';
import type { Random } from '../random.js';
import { type Endpoint, Unserved } from './connection.js';
import { Denied, ImapSession } from './imap.js';
import { idOf, LOAD_DOMAIN } from './message-id.js';
import type { Change } from './journal.js';
import { pause, type World } from './world.js';

/** Milliseconds between two changes of one user. */
const PACE = 300;
/** Flags that a user sets and takes away. */
const FLAGS = ['\\Answered', '\\Flagged', '\\Seen'] as const;

/** A message of the inbox, as the program knows it. */
interface Known {
  readonly id: string;
  readonly flags: Set<string>;
}

/**
 * The mail program of one user, the only one in that mailbox: changes flags, moves and deletes messages and writes
 * remarks until it is told to stop. A message of which it does not know what became of its change is left alone.
 */
export class MailProgram {
  private readonly left = new Set<string>();
  private readonly known = new Map<number, Known>();
  private next = 1;

  constructor(
    private readonly world: World,
    private readonly user: string,
    private readonly random: Random,
  ) {}

  async use(): Promise<void> {
    const { served, stop } = this.world;
    while (!stop.aborted) {
      try {
        await this.session(this.world.server('imap'));
      } catch (error) {
        if (!(error instanceof Unserved || error instanceof Denied)) throw error;
        served.imap.no(error.message);
        await pause(this.world, this.random, PACE);
      }
    }
  }

  /** One connection, for as long as it lasts and leads to the server that is told. */
  private async session(server: Endpoint): Promise<void> {
    const { world } = this;
    const imap = await ImapSession.open(server, `${this.user}@${LAB_DOMAIN}`, world.password);
    try {
      await imap.open('INBOX');
      this.known.clear();
      this.next = 1;
      while (!world.stop.aborted && isSame(server, world.server('imap'))) {
        await this.look(imap);
        await this.act(imap);
        await pause(world, this.random, PACE);
      }
    } finally {
      imap.close();
    }
  }

  /** Learns of what has come. */
  private async look(imap: ImapSession): Promise<void> {
    for (const { uid, flags, content } of await imap.fetch(this.next, 'BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]')) {
      this.known.set(uid, { id: idOf(content), flags: new Set(flags) });
      this.next = uid + 1;
    }
    this.world.served.imap.yes();
  }

  private async act(imap: ImapSession): Promise<void> {
    if (this.random.next() < 0.15) {
      await this.remark(imap);
      return;
    }
    const [uid, message] = this.pick();
    if (uid === undefined || message === undefined) return;
    const change = this.choose(message);
    const done = await this.change(imap, uid, message.id, change);
    if (!done) return;
    if (change.what === 'flag') message.flags[change.on ? 'add' : 'delete'](change.flag);
    else this.known.delete(uid);
  }

  private choose({ id, flags }: Known): Change {
    const dice = this.random.next();
    if (dice < 0.1) return { what: 'move', to: 'Kept' };
    // only what the load brought: what was there before is looked for at the end
    if (dice < 0.2 && id.endsWith(`@${LOAD_DOMAIN}`)) return { what: 'delete' };
    const flag = FLAGS[this.random.between(0, FLAGS.length - 1)] ?? FLAGS[0];
    return { what: 'flag', flag, on: !flags.has(flag) };
  }

  /** A message that the user knows all about. */
  private pick(): [number, Known] | [] {
    const some = [...this.known].filter(([, { id }]) => id !== '' && !this.left.has(id));
    return some[this.random.between(0, some.length - 1)] ?? [];
  }

  private async change(imap: ImapSession, uid: number, id: string, change: Change): Promise<boolean> {
    const { journal, nextNumber } = this.world;
    const number = nextNumber();
    journal.note({ kind: 'change', number, user: this.user, id, change });
    this.left.add(id);
    const done = await this.isDone(imap, commandsFor(uid, change));
    journal.note({ kind: 'changed', number, done });
    this.left.delete(id);
    return done;
  }

  private async remark(imap: ImapSession): Promise<void> {
    const { journal, nextNumber } = this.world;
    const number = nextNumber();
    const text = `remark ${number} of ${this.user}`;
    journal.note({ kind: 'remark', number, user: this.user, text });
    const done = await this.isDone(imap, [`SETMETADATA "INBOX" (/private/comment "${text}")`]);
    journal.note({ kind: 'changed', number, done });
  }

  /** False when the server says that it did nothing. @throws Unserved when nobody knows. */
  private async isDone(imap: ImapSession, commands: readonly string[]): Promise<boolean> {
    try {
      for (const command of commands) await imap.command(command);
      this.world.served.imap.yes();
      return true;
    } catch (error) {
      if (error instanceof Denied) return false;
      throw error;
    }
  }
}

function commandsFor(uid: number, change: Change): string[] {
  if (change.what === 'flag') return [`UID STORE ${uid} ${change.on ? '+' : '-'}FLAGS.SILENT (${change.flag})`];
  if (change.what === 'move') return [`UID MOVE ${uid} "${change.to}"`];
  return [`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`, `UID EXPUNGE ${uid}`];
}

const isSame = (one: Endpoint, other: Endpoint): boolean => one.host === other.host && one.port === other.port;
