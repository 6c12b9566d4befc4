import { Accounts } from './accounts.js';
import type { Row } from './database.js';
import { openAccountsDatabase } from './server-databases.js';
import { loadServer } from './server.js';
import { matchesPattern } from './tool-accounts.js';
import { answer, EXIT, pairs, unknownVariable, type ToolAnswer } from './tool-answer.js';

const VARIABLES = ['d_adminemail', 'd_backup'];

/** `tool create|set|get|check|delete|export domain …`. */
export async function domainCommand(verb: string, words: readonly string[]): Promise<ToolAnswer> {
  const accounts = new Accounts(await openAccountsDatabase(loadServer()));
  try {
    const [name = '', ...rest] = words;
    if (verb === 'export') return await exportDomains(accounts, name, rest);
    if (!/^[a-z0-9][a-z0-9.-]*$/i.test(name)) return answer(EXIT.usage, `usage: tool ${verb} domain <domain> …`);
    return await one(accounts, verb, name.toLowerCase(), rest);
  } finally {
    await accounts.close();
  }
}

async function one(accounts: Accounts, verb: string, name: string, words: readonly string[]): Promise<ToolAnswer> {
  const row = await accounts.domain(name);
  if (verb === 'create') {
    return row ? answer(EXIT.exists, `Domain ${name} already exists.`) : save(accounts, name, words, 'created', true);
  }
  if (!row) return answer(EXIT.failed, `Domain ${name} not found.`);
  switch (verb) {
    case 'set':
      return save(accounts, name, words, 'updated', false);
    case 'get':
      return get(row, words);
    case 'delete':
      await accounts.deleteDomain(name);
      return answer(EXIT.ok, `Domain ${name} deleted.`);
    default:
      return answer(EXIT.ok, `Domain ${name} exists.`);
  }
}

async function save(
  accounts: Accounts,
  name: string,
  words: readonly string[],
  done: string,
  create: boolean,
): Promise<ToolAnswer> {
  const values = pairs(words);
  if (values === undefined) return answer(EXIT.usage, 'every variable needs a value');
  const unknown = values.find(([variable]) => variable.toLowerCase() !== 'd_adminemail');
  if (unknown) return unknownVariable(unknown[0], VARIABLES);
  if (create) await accounts.createDomain(name);
  for (const [, value] of values) await accounts.setAdminEmail(name, value);
  return answer(EXIT.ok, `Domain ${name} ${done}.`);
}

function get(row: Row, names: readonly string[]): ToolAnswer {
  const unknown = names.find((name) => valueOf(row, name) === undefined);
  if (unknown !== undefined) return unknownVariable(unknown, VARIABLES);
  return answer(EXIT.ok, ...names.map((name) => `${name}: ${valueOf(row, name)}`));
}

async function exportDomains(accounts: Accounts, pattern: string, names: readonly string[]): Promise<ToolAnswer> {
  const unknown = names.find((name) => !VARIABLES.includes(name.toLowerCase()));
  if (unknown !== undefined) return unknownVariable(unknown, VARIABLES);
  const rows = (await accounts.domains()).filter((row) => matchesPattern(String(row['domain']), pattern));
  return answer(
    EXIT.ok,
    ...rows.map((row) => [row['domain'], ...names.map((name) => valueOf(row, name)), ''].join(',')),
  );
}

function valueOf(row: Row, name: string): string | undefined {
  switch (name.toLowerCase()) {
    case 'd_adminemail':
      return String(row['admin_email'] ?? '');
    case 'd_backup':
      return Buffer.from(JSON.stringify(row)).toString('base64');
    default:
      return undefined;
  }
}
