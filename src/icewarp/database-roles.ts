import type { DatabaseRole } from '../cluster/schema.js';
import { SETTINGS, TABLES, type SettingVariable, type TableNumber } from './variables.js';

/** Databases whose content moves: nothing else holds it (procedure, rule 13). */
export const MOVED_ROLES = ['accounts', 'groupware', 'antispam'] as const satisfies readonly DatabaseRole[];
export type MovedRole = (typeof MOVED_ROLES)[number];

/** What the product needs to know of a database that moves. */
export interface MovedDatabase {
  readonly setting: Extract<SettingVariable, { kind: 'connection' }>;
  /** Number of `tool create tables`. */
  readonly tables: TableNumber;
}

export const MOVED_DATABASES: Readonly<Record<MovedRole, MovedDatabase>> = {
  accounts: { setting: SETTINGS.accountsDatabase, tables: TABLES.accounts },
  groupware: { setting: SETTINGS.groupwareDatabase, tables: TABLES.groupware },
  antispam: { setting: SETTINGS.antispamDatabase, tables: TABLES.antispam },
};

/** What users notice of a database that begins empty, in the vendor's words on what its loss costs. */
const BEGINS_EMPTY: Readonly<Record<Exclude<DatabaseRole, MovedRole>, string>> = {
  directoryCache:
    'the directory cache is counted anew: until then sizes of mailboxes and quotas are those of an empty server',
  activeSync: 'the ActiveSync cache is made anew: every phone and tablet loads all of its folders again',
  spamReports: 'spam reports begin anew: what was to be in the next one is not in it',
};

/** The web client's cache stays a file of its own on each node, and is made anew on those that join. */
const WEB_CLIENT =
  'the web client’s cache is made anew on nodes that join: colours of flags are lost there, and first logins are slow';

/**
 * What it costs users that caches are rebuilt instead of moved, one sentence each, for the plan (procedure, rule 13).
 * Pure.
 */
export function costsOfRebuilding(): readonly string[] {
  return [...Object.values(BEGINS_EMPTY), WEB_CLIENT];
}
