import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import type { Database, Row } from './database.js';

const SCHEME = '{SSHA512}';
const DIGEST_LENGTH = 64;

export interface Address {
  readonly mailbox: string;
  readonly domain: string;
}

/** Splits `mailbox@domain`, lower case; undefined when it is not one whose parts can be folder names. */
export function parseAddress(text: string): Address | undefined {
  const match = /^([a-z0-9][a-z0-9._+-]*)@([a-z0-9][a-z0-9.-]*)$/.exec(text.trim().toLowerCase());
  return match?.[1] && match[2] ? { mailbox: match[1], domain: match[2] } : undefined;
}

export type Recipient = 'known' | 'unknown' | 'elsewhere';

/** Domains and accounts, always as the configured database has them at this moment. */
export class Accounts {
  constructor(private readonly database: Database) {}

  close(): Promise<void> {
    return this.database.close();
  }

  domains(): Promise<readonly Row[]> {
    return this.database.run('SELECT domain, admin_email FROM Domains ORDER BY domain');
  }

  async domain(name: string): Promise<Row | undefined> {
    const rows = await this.database.run('SELECT domain, admin_email FROM Domains WHERE domain = ?', [name]);
    return rows[0];
  }

  async createDomain(name: string): Promise<void> {
    await this.database.run('INSERT INTO Domains (domain, admin_email) VALUES (?, ?)', [name, '']);
  }

  async setAdminEmail(name: string, email: string): Promise<void> {
    await this.database.run('UPDATE Domains SET admin_email = ? WHERE domain = ?', [email, name]);
  }

  async deleteDomain(name: string): Promise<void> {
    await this.database.run('DELETE FROM Users WHERE domain = ?', [name]);
    await this.database.run('DELETE FROM Domains WHERE domain = ?', [name]);
  }

  accounts(): Promise<readonly Row[]> {
    return this.database.run('SELECT mailbox, domain, password, admin, path FROM Users ORDER BY domain, mailbox');
  }

  async account({ mailbox, domain }: Address): Promise<Row | undefined> {
    const rows = await this.database.run(
      'SELECT mailbox, domain, password, admin, path FROM Users WHERE mailbox = ? AND domain = ?',
      [mailbox, domain],
    );
    return rows[0];
  }

  async createAccount({ mailbox, domain }: Address): Promise<void> {
    await this.database.run('INSERT INTO Users (mailbox, domain, password, admin, path) VALUES (?, ?, ?, 0, ?)', [
      mailbox,
      domain,
      '',
      '',
    ]);
  }

  async setPassword({ mailbox, domain }: Address, password: string): Promise<void> {
    await this.database.run('UPDATE Users SET password = ? WHERE mailbox = ? AND domain = ?', [
      hashPassword(password),
      mailbox,
      domain,
    ]);
  }

  async setAdmin({ mailbox, domain }: Address, admin: boolean): Promise<void> {
    await this.database.run('UPDATE Users SET admin = ? WHERE mailbox = ? AND domain = ?', [
      admin ? 1 : 0,
      mailbox,
      domain,
    ]);
  }

  /** Puts a mailbox outside of the mail folder; an empty path: where all others are. */
  async setPath({ mailbox, domain }: Address, path: string): Promise<void> {
    await this.database.run('UPDATE Users SET path = ? WHERE mailbox = ? AND domain = ?', [path, mailbox, domain]);
  }

  async deleteAccount({ mailbox, domain }: Address): Promise<void> {
    await this.database.run('DELETE FROM Users WHERE mailbox = ? AND domain = ?', [mailbox, domain]);
  }

  /** What an SMTP server must know about a recipient. */
  async classify(text: string): Promise<Recipient> {
    const domain = text.slice(text.lastIndexOf('@') + 1).toLowerCase();
    if ((await this.domain(domain)) === undefined) return 'elsewhere';
    const address = parseAddress(text);
    return address && (await this.account(address)) ? 'known' : 'unknown';
  }

  async checkPassword(text: string, password: string): Promise<boolean> {
    const address = parseAddress(text);
    const row = address && (await this.account(address));
    return row !== undefined && matches(password, String(row['password'] ?? ''));
  }
}

/** The default policy of the stand-in; the real one is configurable. */
export function breaksPasswordPolicy(password: string): boolean {
  return password.length < 8 || !/[a-z]/i.test(password) || !/[0-9]/.test(password);
}

/** A salted hash in a form that Dovecot checks itself. */
export function hashPassword(password: string, salt: Buffer = randomBytes(16)): string {
  const digest = createHash('sha512').update(password).update(salt).digest();
  return SCHEME + Buffer.concat([digest, salt]).toString('base64');
}

function matches(password: string, hash: string): boolean {
  if (!hash.startsWith(SCHEME)) return false;
  const salt = Buffer.from(hash.slice(SCHEME.length), 'base64').subarray(DIGEST_LENGTH);
  const [given, kept] = [Buffer.from(hashPassword(password, salt)), Buffer.from(hash)];
  return given.length === kept.length && timingSafeEqual(given, kept);
}
