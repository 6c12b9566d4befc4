import { RolloutError } from '../cluster/errors.js';
import { mysqlConnectionString, mysqlPdo, withoutPassword } from '../icewarp/connection-string.js';
import { MOVED_DATABASES, MOVED_ROLES } from '../icewarp/database-roles.js';
import { isInstalled } from '../icewarp/layout.js';
import { Tool } from '../icewarp/tool.js';
import { FACTS, settingVariable } from '../icewarp/variables.js';
import type { SettingName } from '../icewarp/variables.js';
import { sha256Of } from '../platform/vault.js';
import { refuseAccounts, refuseToStrand } from './accounts-present.js';
import { assertMoved } from './database-move-note.js';
import type { ConnectionSpec } from './node-database.js';
import { assertOldMailCopied } from './old-mail.js';
import { mailInForce, queuesBelow, stopWithQueuesEmpty } from './queues.js';
import type { Change, Context, Resource } from './resource.js';
import { markRestart } from './restart-marker.js';

export type SettingValue =
  | { readonly setting: SettingName; readonly value: string }
  | { readonly setting: SettingName; readonly connection: ConnectionSpec };

/** Settings of the configuration in force, which becomes the cluster's (G12, G14, G16, G19). Scope: cluster. */
export interface SettingsDesired {
  readonly directory: string;
  readonly values: readonly SettingValue[];
  /** Full addresses of accounts that the rollout makes: no others may be left behind in another accounts database. */
  readonly own?: readonly string[];
  /**
   * What the old databases hold was moved (`databaseMove`): instead of refusing, a switch asks whether all of it was, and
   * on the way back the undo of the move brings along what users changed.
   */
  readonly moved?: true;
  /** Where the share is mounted, for settings that make the step copy there. */
  readonly mount?: string;
}

export interface SettingsObserved {
  /** What may be shown of each setting; null where this version has none of that name. */
  readonly values: Readonly<Partial<Record<SettingName, string | null>>>;
  /** The configuration folder whose settings these are. */
  readonly configuration: string;
  /** Names the original values, passwords included, in the vault. */
  readonly sha256: string;
}

/** Variable → value; null where this version has none of that name. */
type Variables = Readonly<Record<string, string | null>>;

export const settings: Resource<SettingsDesired, SettingsObserved, 'node'> = {
  place: 'node',

  async observe(desired, context) {
    if (!(await isInstalled(desired.directory))) return null;
    const variables = await readVariables(desired, context);
    const values = desired.values.map(({ setting }) => [setting, shownValue(setting, variables)] as const);
    const configuration = await configurationInForce(desired, context);
    return { values: Object.fromEntries(values), configuration, sha256: sha256Of(serialise(variables)) };
  },

  diff(desired, observed) {
    return desired.values.flatMap((value): Change[] => {
      const { setting } = value;
      const now = observed?.values[setting];
      if (observed !== null && (now === shownTarget(value) || leftOut(setting, now))) return [];
      const before = observed === null ? 'not installed' : (now ?? 'unknown to this version');
      return [{ what: setting, before: before || 'empty', after: shownTarget(value) || 'empty' }];
    });
  },

  async apply(desired, context) {
    const variables = await readVariables(desired, context);
    await context.vault.keep(Buffer.from(serialise(variables)));
    const changed = desired.values.filter((value) => {
      const now = shownValue(value.setting, variables);
      return now !== shownTarget(value) && !leftOut(value.setting, now);
    });
    if (changed.length === 0) return;
    await leaveNothingBehind(changed, desired, context);
    await markRestart(context.agent, `settings ${changed.map(({ setting }) => setting).join(', ')}`);
    const tool = new Tool(desired.directory, context.signal);
    for (const value of changed) {
      for (const [variable, text] of await targetVariables(value, context)) await tool.set(variable, text);
    }
  },

  async restore(desired, before, context) {
    if (before === null || !(await isInstalled(desired.directory))) return [];
    const now = await readVariables(desired, context);
    if (sha256Of(serialise(now)) === before.sha256) return [];
    const asBefore = desired.values.every(({ setting }) => shownValue(setting, now) === before.values[setting]);
    // Before its first write `apply` fills the vault; a password that was encrypted since is no difference to mend.
    if (asBefore && !(await context.vault.has())) return [];
    await assertSameConfiguration(desired, before, context);
    const original = deserialise(await context.vault.original(before.sha256));
    const changed = desired.values.filter(({ setting }) => {
      const former = shownValue(setting, original);
      return former !== null && shownValue(setting, now) !== former;
    });
    for (const value of changed) {
      assertOurs(value, now, original);
      if (value.setting !== 'accountsDatabase' || !('connection' in value) || desired.moved === true) continue;
      await refuseToStrand(desired.directory, desired.own ?? [], value.connection, context);
    }
    if (changed.some(({ setting }) => setting === 'mailPath')) {
      // What waits in a queue below the mail folder in force would stay there.
      const mail = await mailInForce(desired.directory, context.signal);
      await stopWithQueuesEmpty(desired.directory, queuesBelow(mail), context);
    }
    const tool = new Tool(desired.directory, context.signal);
    for (const { setting } of changed.reverse()) {
      await markRestart(context.agent, `setting ${setting} put back`);
      for (const variable of variablesOf(setting)) {
        const text = original[variable];
        if (typeof text === 'string' && text !== now[variable]) await tool.set(variable, text);
      }
    }
    return [];
  },
};

/**
 * What the old settings point at and the new ones do not: users, queued mail, mail that came in after it was copied.
 *
 * @throws RolloutError ACCOUNTS_PRESENT or QUEUE_NOT_EMPTY, before anything is written.
 */
async function leaveNothingBehind(
  changed: readonly SettingValue[],
  { directory, own = [], moved }: SettingsDesired,
  context: Context,
): Promise<void> {
  const { agent, signal } = context;
  for (const value of changed) {
    if ('connection' in value) {
      const role = MOVED_ROLES.find((one) => MOVED_DATABASES[one].setting === settingVariable(value.setting));
      if (moved !== undefined && role !== undefined) {
        await assertMoved(directory, { role, connection: value.connection }, agent, signal);
      } else if (value.setting === 'accountsDatabase') await refuseAccounts(directory, own, signal);
      continue;
    }
    if (value.setting === 'mailPath') await assertOldMailCopied(directory, 'mail', value.value, context);
    if (value.setting === 'archivePath') await assertOldMailCopied(directory, 'archive', value.value, context);
  }
}

async function configurationInForce({ directory }: SettingsDesired, { signal }: Context): Promise<string> {
  return (await new Tool(directory, signal).find(FACTS.configPath)) ?? '';
}

/**
 * Values that were read from a node's own configuration are never written into the one that all nodes share.
 *
 * @throws RolloutError CHANGED_MEANWHILE.
 */
async function assertSameConfiguration(
  desired: SettingsDesired,
  { configuration }: SettingsObserved,
  context: Context,
): Promise<void> {
  const inForce = await configurationInForce(desired, context);
  if (inForce === configuration) return;
  throw new RolloutError(
    'CHANGED_MEANWHILE',
    `the configuration in force is ${inForce || 'unknown'}; these settings were those of ${configuration || 'another'}`,
  );
}

/** The variables that make up a setting; the one that decides is written last. */
function variablesOf(setting: SettingName): readonly string[] {
  const entry = settingVariable(setting);
  return entry.kind === 'pdo' ? [entry.user, entry.password, entry.variable] : [entry.variable];
}

async function readVariables({ directory, values }: SettingsDesired, { signal }: Context): Promise<Variables> {
  const tool = new Tool(directory, signal);
  const found: Record<string, string | null> = {};
  for (const { setting } of values) {
    for (const variable of variablesOf(setting)) found[variable] = (await tool.find(variable)) ?? null;
  }
  return found;
}

/** What may be shown of a setting: no password, and for a PDO connection its user as well. */
function shownValue(setting: SettingName, variables: Variables): string | null {
  const entry = settingVariable(setting);
  const value = variables[entry.variable] ?? null;
  if (value === null || entry.kind === 'text') return value;
  const connection = withoutPassword(value);
  return entry.kind === 'pdo' ? withUser(connection, variables[entry.user] ?? '') : connection;
}

/** What {@link shownValue} answers once the setting is as desired. */
function shownTarget(value: SettingValue): string {
  if ('value' in value) return value.value;
  const { connection, setting } = value;
  if (settingVariable(setting).kind === 'pdo') return withUser(mysqlPdo(connection), connection.user);
  return mysqlConnectionString({ ...connection, password: '' });
}

function withUser(connection: string, user: string): string {
  return user === '' ? connection : `${connection} as ${user}`;
}

/** What to write for a setting, with the password, which lives no longer than this. */
async function targetVariables(
  value: SettingValue,
  { agent, signal }: Context,
): Promise<readonly (readonly [string, string])[]> {
  const entry = settingVariable(value.setting);
  if ('value' in value) return [[entry.variable, value.value]];
  const { connection } = value;
  const password = await agent.secrets.resolve(connection.password.secret, signal);
  if (entry.kind !== 'pdo')
    return [[entry.variable, mysqlConnectionString({ ...connection, password: password.reveal() })]];
  return [
    [entry.user, connection.user],
    [entry.password, password.reveal()],
    [entry.variable, mysqlPdo(connection)],
  ];
}

/** A setting that this version does without. */
function leftOut(setting: SettingName, now: string | null | undefined): boolean {
  const entry = settingVariable(setting);
  return now === null && entry.kind === 'text' && entry.optional === true;
}

/** Whether a setting is as we left it, or stopped between its variables: each is then ours or the original. */
function ownOrHalfway(value: SettingValue, now: Variables, original: Variables): boolean {
  const entry = settingVariable(value.setting);
  if (shownValue(value.setting, now) === shownTarget(value)) return true;
  if (entry.kind !== 'pdo' || 'value' in value) return false;
  const { connection } = value;
  const userFits = [connection.user, original[entry.user]].includes(now[entry.user] ?? '');
  return userFits && [mysqlPdo(connection), original[entry.variable]].includes(now[entry.variable] ?? '');
}

/** @throws RolloutError CHANGED_MEANWHILE unless a setting is as we left it. */
function assertOurs(value: SettingValue, now: Variables, original: Variables): void {
  if (ownOrHalfway(value, now, original)) return;
  const { setting } = value;
  const [current, former] = [shownValue(setting, now), shownValue(setting, original)];
  throw new RolloutError(
    'CHANGED_MEANWHILE',
    `${setting} is "${current ?? 'unknown'}", neither "${shownTarget(value)}" as we left it nor "${former ?? ''}" as before`,
  );
}

function serialise(variables: Variables): string {
  return JSON.stringify(Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function deserialise(kept: Buffer | null): Variables {
  const entries = JSON.parse(kept?.toString('utf8') ?? '[]') as [string, string | null][];
  return Object.fromEntries(entries);
}
