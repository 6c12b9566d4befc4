import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';

import type { Accounts } from './accounts.js';
import type { Row } from './database.js';
import { folder } from './installation.js';
import { mailPath, type Server } from './server.js';

/**
 * Where an account's mail lies. UNCONFIRMED: that `U_MailboxPath` takes an absolute path, which then is a mailbox
 * outside of the mail folder.
 */
export function mailboxFolder(server: Server, { mailbox, domain, path }: Row): string {
  const own = ownPath(path);
  return own === '' ? `${mailPath(server)}${domain}/${mailbox}/` : folder(own);
}

/** The path of a mailbox outside of the mail folder; empty for all others. */
export const ownPath = (path: Row[string] | undefined): string => String(path ?? '');

/** What may be set as a mailbox's path. */
export const isMailboxPath = (path: string): boolean => path === '' || isAbsolute(path);

/**
 * Lists the mailboxes outside of the mail folder in `externaldirs.dat`, one path a line: the vendor names the file, not
 * its folder or format.
 */
export async function listExternalMailboxes(server: Server, accounts: Accounts): Promise<void> {
  const { configPath, processUser } = server.installation;
  const paths = (await accounts.accounts()).map(({ path }) => ownPath(path)).filter((path) => path !== '');
  mkdirSync(configPath, { recursive: true });
  const file = `${configPath}externaldirs.dat`;
  writeFileSync(file, paths.map((path) => `${folder(path)}\n`).join(''), { mode: 0o600 });
  if (process.getuid?.() === 0) chownSync(file, processUser.uid, processUser.gid);
}
