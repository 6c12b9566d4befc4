import { chmodSync, chownSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

import { parseAddress, type Accounts, type Address } from './accounts.js';
import type { Row } from './database.js';
import type { FlagsFile } from './flags-file.js';
import type { SystemUser } from './system-user.js';

/** What a service tells Dovecot. */
export interface Answers {
  /** How the accounts are asked; throws when their database does not answer. */
  readonly ask: <T>(question: (accounts: Accounts) => Promise<T>) => Promise<T>;
  /** What the directory cache counts for an account's inbox. */
  readonly counts: (address: Address) => Promise<{ readonly messages: number; readonly bytes: number }>;
  /** What Dovecot has to know of an account whose mailbox is not where all others are; nothing for those. */
  readonly place: (account: Row) => Readonly<Record<string, string>>;
  /** The `flags.dat` of an account's mailbox. */
  readonly flags: (account: Row) => FlagsFile;
}

/**
 * Answers Dovecot's look-ups of passwords, quotas and folders' remarks on a socket, in the protocol of its `dict` proxy.
 * Dovecot's own SQL drivers would do, but they wait up to minutes before they try a refused connection again, so a mended
 * grant would not be felt.
 */
export function serveAccounts(socket: string, user: SystemUser, answers: Answers): Promise<Server> {
  rmSync(socket, { force: true });
  const server = createServer((connection) => void new Conversation(connection, answers).hold());
  return new Promise((resolve) => {
    server.listen(socket, () => {
      chmodSync(socket, 0o600);
      if (process.getuid?.() === 0) chownSync(socket, user.uid, user.gid);
      resolve(server);
    });
  });
}

/** A folder's GUID in the key of a remark. */
const REMARK = /^priv\/([0-9a-f]{32})\/comment$/;

/**
 * One request per line: `H…` greets, with the session's user where it is about him, and is not answered. `Lshared/<user>`
 * looks up a password, `Lpriv/quota/…` a count, `Lpriv/<folder>/comment` a remark. A change begins with `B`, sets (`S`) or
 * unsets (`U`) keys and ends with `C`, the only one that is answered. Of changes of counts nothing is kept: the directory
 * cache changes on a refresh only. Answers come in the same order.
 */
class Conversation {
  private user = '';
  /** Changes under way: number → whose, and the remarks that they set. */
  private readonly changes = new Map<string, { user: string; remarks: [guid: string, remark: string][] }>();

  constructor(
    private readonly connection: Socket,
    private readonly answers: Answers,
  ) {
    connection.on('error', () => connection.destroy());
  }

  async hold(): Promise<void> {
    for await (const line of createInterface({ input: this.connection })) {
      const answer = await this.answer(line.charAt(0), line.slice(1).split('\t').map(unescape));
      if (answer !== undefined) this.connection.write(`${answer}\n`);
    }
  }

  private async answer(
    request: string,
    [first = '', second = '', third = '', fourth = '']: readonly string[],
  ): Promise<string | undefined> {
    switch (request) {
      case 'H':
        this.user = fourth;
        return undefined;
      case 'I':
        // what a mailbox that is deleted leaves: an empty line says that there is no more
        return '';
      case 'L':
        return this.lookUp(first, second || this.user);
      case 'B':
        this.changes.set(first, { user: second || this.user, remarks: [] });
        return undefined;
      case 'S':
      case 'U':
        this.note(first, second, request === 'S' ? third : '');
        return undefined;
      case 'D':
        this.changes.delete(first);
        return undefined;
      case 'C':
        return this.commit(first);
      default:
        return undefined;
    }
  }

  private lookUp(key: string, user: string): Promise<string> {
    const name = /^shared\/(.+)/.exec(key)?.[1];
    if (name !== undefined) return this.password(name);
    const guid = REMARK.exec(key)?.[1];
    return guid === undefined ? this.count(key, user) : this.remark(user, guid);
  }

  /** `O` with the password's hash, `N` for an unknown user, `F` when nobody can tell. */
  private async password(user: string): Promise<string> {
    try {
      const account = await this.account(user);
      if (account === undefined) return 'N';
      return `O${JSON.stringify({ password: account['password'], ...this.answers.place(account) })}`;
    } catch {
      return 'Fthe accounts database does not answer';
    }
  }

  /** What the cache has: nothing for an inbox that no refresh has seen. */
  private async count(key: string, user: string): Promise<string> {
    const address = parseAddress(user);
    if (address === undefined) return 'O0';
    const { messages, bytes } = await this.answers.counts(address);
    return `O${key.endsWith('/messages') ? messages : bytes}`;
  }

  private async remark(user: string, guid: string): Promise<string> {
    try {
      const account = await this.account(user);
      const remark = account && this.answers.flags(account).get(guid);
      return remark === undefined ? 'N' : `O${remark}`;
    } catch {
      return 'Fthe remarks cannot be read';
    }
  }

  private note(change: string, key: string, value: string): void {
    const guid = REMARK.exec(key)?.[1];
    if (guid !== undefined) this.changes.get(change)?.remarks.push([guid, value]);
  }

  private async commit(change: string): Promise<string> {
    const { user = '', remarks = [] } = this.changes.get(change) ?? {};
    this.changes.delete(change);
    try {
      const account = remarks.length === 0 ? undefined : await this.account(user);
      for (const [guid, remark] of remarks) if (account) this.answers.flags(account).set(guid, remark);
      return `O${change}`;
    } catch {
      return `F${change}\tthe remark cannot be written`;
    }
  }

  private async account(user: string): Promise<Row | undefined> {
    const address = parseAddress(user);
    return address && this.answers.ask((accounts) => accounts.account(address));
  }
}

const SIGNS: Readonly<Record<string, string>> = { '0': '\0', '1': '\x01', t: '\t', r: '\r', l: '\n' };

/** Dovecot writes what would end a field or a line as two characters. */
function unescape(text: string): string {
  const [plain = '', ...escaped] = text.split('\x01');
  return plain + escaped.map((part) => `${SIGNS[part.charAt(0)] ?? ''}${part.slice(1)}`).join('');
}
