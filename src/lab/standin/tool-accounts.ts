import { Accounts, breaksPasswordPolicy, parseAddress, type Address } from './accounts.js';
import type { Row } from './database.js';
import { openAccountsDatabase } from './server-databases.js';
import { isMailboxPath, listExternalMailboxes, mailboxFolder, ownPath } from './mailbox-folder.js';
import { loadServer, type Server } from './server.js';
import { requestRefresh } from './refresh-request.js';
import { answer, EXIT, pairs, unknownVariable, type ToolAnswer } from './tool-answer.js';

const VARIABLES = [
  'u_admin',
  'u_backup',
  'u_directorycache_refreshnow',
  'u_fullmailboxpath',
  'u_mailboxpath',
  'u_password',
];

/** `tool create|set|get|check|delete|export account …`. */
export async function accountCommand(verb: string, words: readonly string[]): Promise<ToolAnswer> {
  const server = loadServer();
  const accounts = new Accounts(await openAccountsDatabase(server));
  try {
    const [name = '', ...rest] = words;
    if (verb === 'export') return await exportAccounts(server, accounts, name, rest);
    const address = parseAddress(name);
    if (address === undefined) return answer(EXIT.usage, `usage: tool ${verb} account <mailbox@domain> …`);
    return await one(server, accounts, verb, address, rest);
  } finally {
    await accounts.close();
  }
}

async function one(
  server: Server,
  accounts: Accounts,
  verb: string,
  address: Address,
  words: readonly string[],
): Promise<ToolAnswer> {
  const name = `${address.mailbox}@${address.domain}`;
  const row = await accounts.account(address);
  if (verb === 'create') {
    if (row) return answer(EXIT.exists, `Account ${name} already exists.`);
    if (!(await accounts.domain(address.domain))) return answer(EXIT.failed, `Domain ${address.domain} not found.`);
    return save(server, accounts, address, words, `Account ${name} created.`, true);
  }
  if (!row) return answer(EXIT.failed, `Account ${name} not found.`);
  switch (verb) {
    case 'set':
      return save(server, accounts, address, words, `Account ${name} updated.`, false);
    case 'get':
      return get(server, row, words);
    case 'delete':
      await accounts.deleteAccount(address);
      return answer(EXIT.ok, `Account ${name} deleted.`);
    default:
      return answer(EXIT.ok, `Account ${name} exists.`);
  }
}

async function save(
  server: Server,
  accounts: Accounts,
  address: Address,
  words: readonly string[],
  success: string,
  create: boolean,
): Promise<ToolAnswer> {
  const values = pairs(words);
  if (values === undefined) return answer(EXIT.usage, 'every variable needs a value');
  for (const [variable, value] of values) {
    const name = variable.toLowerCase();
    if (!VARIABLES.includes(name)) return unknownVariable(variable, VARIABLES);
    if (name === 'u_password' && breaksPasswordPolicy(value)) {
      return answer(EXIT.passwordPolicy, 'Account-save problem.', 'Password policy violation.');
    }
    if (name === 'u_mailboxpath' && !isMailboxPath(value)) return answer(EXIT.failed, `${variable} must be absolute.`);
    if (!['u_password', 'u_admin', 'u_mailboxpath', 'u_directorycache_refreshnow'].includes(name)) {
      return answer(EXIT.failed, `${variable} is read-only.`);
    }
  }
  if (create) await accounts.createAccount(address);
  for (const [variable, value] of values) await setVariable(server, accounts, address, variable.toLowerCase(), value);
  return answer(EXIT.ok, success);
}

async function setVariable(
  server: Server,
  accounts: Accounts,
  address: Address,
  name: string,
  value: string,
): Promise<void> {
  if (name === 'u_password') await accounts.setPassword(address, value);
  else if (name === 'u_admin') await accounts.setAdmin(address, value === '1');
  else if (name === 'u_mailboxpath') {
    await accounts.setPath(address, value);
    await listExternalMailboxes(server, accounts);
  } else if (value === '1') requestRefresh(server.installation);
}

function get(server: Server, row: Row, names: readonly string[]): ToolAnswer {
  const lines: string[] = [];
  for (const name of names) {
    const value = valueOf(server, row, name);
    if (value === undefined) return unknownVariable(name, VARIABLES);
    lines.push(`${name}: ${value}`);
  }
  return answer(EXIT.ok, ...lines);
}

async function exportAccounts(
  server: Server,
  accounts: Accounts,
  pattern: string,
  names: readonly string[],
): Promise<ToolAnswer> {
  const unknown = names.find((name) => !VARIABLES.includes(name.toLowerCase()));
  if (unknown !== undefined) return unknownVariable(unknown, VARIABLES);
  const rows = await accounts.accounts();
  const chosen = rows.filter((row) => matchesPattern(`${row['mailbox']}@${row['domain']}`, pattern));
  return answer(
    EXIT.ok,
    ...chosen.map((row) => {
      const values = names.map((name) => valueOf(server, row, name) ?? '');
      return [`${row['mailbox']}@${row['domain']}`, ...values, ''].join(',');
    }),
  );
}

/** A value of an account; undefined for an unknown name. The password itself is nowhere. */
function valueOf(server: Server, row: Row, name: string): string | undefined {
  switch (name.toLowerCase()) {
    case 'u_admin':
      return String(row['admin'] ?? 0);
    case 'u_backup':
      return Buffer.from(JSON.stringify(row)).toString('base64');
    case 'u_mailboxpath':
      return ownPath(row['path']) || `${row['domain']}/${row['mailbox']}/`;
    case 'u_fullmailboxpath':
      return mailboxFolder(server, row);
    case 'u_password':
    case 'u_directorycache_refreshnow':
      return '';
    default:
      return undefined;
  }
}

/** `*` stands for any text, as in `*@example.com`. */
export function matchesPattern(text: string, pattern: string): boolean {
  const source = pattern
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[^\w@]/g, '\\$&'));
  return new RegExp(`^${source.join('.*')}$`).test(text);
}
