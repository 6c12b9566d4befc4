import { Connection, type Endpoint, Unserved } from './connection.js';

/** One untagged answer: its text, with `{}` where a literal stood, and those literals. */
export interface Untagged {
  readonly text: string;
  readonly literals: readonly Buffer[];
}

/** What a FETCH tells of one message. */
export interface Fetched {
  readonly uid: number;
  /** Sorted; without `\Recent`, which no client sets. */
  readonly flags: readonly string[];
  /** What was asked for of its content. */
  readonly content: Buffer;
}

/** The server answered NO or BAD: it did nothing, and says so. */
export class Denied extends Error {}

/**
 * An IMAP session that tells confirmed from refused from lost: a command either returns (OK), throws {@link Denied} or
 * {@link Unserved}. A library's client repeats and hides what the load has to know.
 */
export class ImapSession {
  private tags = 0;

  private constructor(private readonly connection: Connection) {}

  /** @throws Unserved when nobody serves there, which a login that fails is, too: the load knows its passwords. */
  static async open(server: Endpoint, user: string, password: string): Promise<ImapSession> {
    const session = new ImapSession(Connection.open(server));
    try {
      const greeting = await session.connection.line();
      if (!greeting.startsWith('* OK')) throw new Unserved(greeting);
      await session.command(`LOGIN ${user} ${password}`);
      return session;
    } catch (error) {
      session.close();
      throw error instanceof Denied ? new Unserved(error.message) : error;
    }
  }

  /** Runs a command, and returns what the server said before its OK. */
  async command(text: string): Promise<readonly Untagged[]> {
    this.tags += 1;
    const tag = `L${this.tags} `;
    this.connection.write(`${tag}${text}\r\n`);
    const untagged: Untagged[] = [];
    for (;;) {
      const answer = await this.answer();
      if (answer.text.startsWith('* BYE')) throw new Unserved(answer.text);
      if (!answer.text.startsWith(tag)) untagged.push(answer);
      else if (answer.text.startsWith(`${tag}OK`)) return untagged;
      else throw new Denied(answer.text.slice(tag.length));
    }
  }

  /** The folders of the mailbox. */
  async folders(): Promise<string[]> {
    const lines = await this.command('LIST "" "*"');
    return lines.flatMap(({ text }) => /^\* LIST \([^)]*\) \S+ "?([^"]*)"?$/.exec(text)?.[1] ?? []);
  }

  /** Opens a folder, and returns its UIDVALIDITY. */
  async open(folder: string, how: 'SELECT' | 'EXAMINE' = 'SELECT'): Promise<string> {
    const lines = await this.command(`${how} "${folder}"`);
    return valueIn(lines, /\[UIDVALIDITY (\d+)\]/) ?? '';
  }

  /** Messages of the folder that is open, from that UID on. */
  async fetch(from: number, content: string): Promise<Fetched[]> {
    const lines = await this.command(`UID FETCH ${from}:* (UID FLAGS ${content})`);
    return lines.flatMap(parseFetch).filter(({ uid }) => uid >= from);
  }

  /** The remark on a folder, which lies in `flags.dat`. */
  async remark(folder: string): Promise<string | undefined> {
    const [line] = await this.command(`GETMETADATA "${folder}" (/private/comment)`);
    const [, inLine] = /\/private\/comment "?([^")]*)"?\)$/.exec(line?.text ?? '') ?? [];
    return line?.literals[0]?.toString() ?? (inLine === 'NIL' ? undefined : inLine);
  }

  close(): void {
    this.connection.close();
  }

  private async answer(): Promise<Untagged> {
    const literals: Buffer[] = [];
    let text = '';
    for (;;) {
      const line = await this.connection.line();
      const [literal, length] = /\{(\d+)\}$/.exec(line) ?? [];
      if (literal === undefined) return { text: text + line, literals };
      text += `${line.slice(0, -literal.length)}{}`;
      literals.push(await this.connection.bytes(Number(length)));
    }
  }
}

function parseFetch({ text, literals: [content = Buffer.alloc(0)] }: Untagged): Fetched[] {
  const [, uid] = /^\* \d+ FETCH \(.*\bUID (\d+)/.exec(text) ?? [];
  const [, flags = ''] = /\bFLAGS \(([^)]*)\)/.exec(text) ?? [];
  if (uid === undefined) return [];
  const set = flags.split(' ').filter((flag) => flag !== '' && flag !== '\\Recent');
  return [{ uid: Number(uid), flags: set.sort(), content }];
}

function valueIn(lines: readonly Untagged[], pattern: RegExp): string | undefined {
  for (const { text } of lines) {
    const value = pattern.exec(text)?.[1];
    if (value !== undefined) return value;
  }
  return undefined;
}
