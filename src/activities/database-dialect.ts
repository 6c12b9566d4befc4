import type { Database } from '../platform/mysql.js';
import { asAdministrator, type DatabaseServer } from './database-server.js';
import type { Procedure } from './resource.js';

export interface DatabaseDialectInput extends DatabaseServer {
  /** The cluster's own account. */
  readonly user: string;
}

/** What a database server asks of those who log in, and makes of what they write: under 2 kB. */
export interface DatabaseDialect {
  readonly readOnly: boolean;
  /** Who is let in with TLS only: `everybody`, or accounts of the cluster's name with the address they come from. */
  readonly tlsOnly: readonly string[];
  /** How new accounts prove who they are. */
  readonly plugin: string;
  /** How the accounts of the cluster's name do that are there already. */
  readonly accountPlugins: readonly string[];
  readonly initConnect: string;
  readonly charset: string;
  readonly sqlMode: string;
  /** Seconds. */
  readonly waitTimeout: number;
  /** Minutes by which the server's time is ahead of UTC. */
  readonly zone: number;
}

/** Longest of any text: the answer goes into history. */
const LONGEST = 200;
const MOST = 6;
const NATIVE = 'mysql_native_password';
const SHA2 = 'caching_sha2_password';

const VARIABLES = [
  'version',
  'read_only',
  'super_read_only',
  'require_secure_transport',
  'default_authentication_plugin',
  'authentication_policy',
  'init_connect',
  'character_set_server',
  'sql_mode',
  'wait_timeout',
] as const;

/** Looks at how the database server talks to its clients (procedure, rule 13). Changes nothing. */
export const databaseDialect: Procedure<DatabaseDialectInput, DatabaseDialect, 'control'> = {
  place: 'control',
  run: (input, context) =>
    asAdministrator(input, context, async (server) => {
      const variables = await variablesOf(server);
      const text = (name: (typeof VARIABLES)[number]): string => (variables.get(name) ?? '').slice(0, LONGEST);
      // a server has only some of them; MariaDB tells some as numbers
      const on = (name: (typeof VARIABLES)[number]): boolean => /^(ON|1|YES|TRUE)/i.test(text(name));
      return {
        readOnly: on('read_only') || on('super_read_only'),
        tlsOnly: on('require_secure_transport') ? ['everybody'] : await tlsOnlyOf(server, input.user),
        plugin: pluginOf(variables),
        accountPlugins: await pluginsOf(server, input.user),
        initConnect: text('init_connect'),
        charset: text('character_set_server'),
        sqlMode: text('sql_mode'),
        waitTimeout: Number(text('wait_timeout')),
        zone: await zoneOf(server),
      };
    }),
};

async function variablesOf(server: Database): Promise<ReadonlyMap<string, string>> {
  const rows = await server.rows<{ Variable_name: string; Value: string }>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${VARIABLES.map(() => '?').join(', ')})`,
    VARIABLES,
  );
  return new Map(rows.map(({ Variable_name: name, Value }) => [name.toLowerCase(), Value]));
}

/** MariaDB has no such variable; MySQL 8.0.27 and later name the first factor in a policy, `*` for the default. */
function pluginOf(variables: ReadonlyMap<string, string>): string {
  const named = variables.get('default_authentication_plugin');
  if (named !== undefined) return named.slice(0, LONGEST);
  const policy = variables.get('authentication_policy');
  if (policy === undefined) return NATIVE;
  const [first = ''] = policy.split(',').map((factor) => factor.trim());
  return first === '' || first.startsWith('*') ? SHA2 : first.slice(0, LONGEST);
}

async function pluginsOf(server: Database, user: string): Promise<readonly string[]> {
  const rows = await server.rows<{ plugin: string | null }>(
    `SELECT DISTINCT plugin FROM mysql.user WHERE User = ? ORDER BY plugin LIMIT ${MOST}`,
    [user],
  );
  return rows.map(({ plugin }) => (plugin ?? '').slice(0, 60)).filter((plugin) => plugin !== '');
}

async function tlsOnlyOf(server: Database, user: string): Promise<readonly string[]> {
  const rows = await server.rows<{ from: string }>(
    `SELECT Host AS \`from\` FROM mysql.user WHERE User = ? AND ssl_type <> '' ORDER BY Host LIMIT ${MOST}`,
    [user],
  );
  return rows.map(({ from }) => `'${user}'@'${from.slice(0, 60)}'`);
}

async function zoneOf(server: Database): Promise<number> {
  const [row] = await server.rows<{ ahead: number | string }>(
    // rounded: the two are asked one after the other
    'SELECT ROUND(TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) / 60) AS ahead',
  );
  return Number(row?.ahead ?? 0);
}
