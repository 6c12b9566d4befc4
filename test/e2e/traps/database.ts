import type { LabCluster } from '../lab-cluster.js';
import type { Trap } from './trap.js';

/** A fault that one statement makes and another takes away. */
function sql(fault: string, finds: string, words: RegExp, set: readonly string[], heal: readonly string[]): Trap {
  return {
    fault,
    finds: `control/database/${finds}`,
    words,
    set: async ({ lab }: LabCluster) => {
      for (const statement of set) await lab.sql(statement);
      return async () => {
        for (const statement of heal) await lab.sql(statement);
      };
    },
  };
}

const global = (fault: string, finds: string, words: RegExp, name: string, value: string, usual: string): Trap =>
  sql(fault, finds, words, [`SET GLOBAL ${name} = ${value}`], [`SET GLOBAL ${name} = ${usual}`]);

const account = (fault: string, finds: string, words: RegExp, name: string, rest = ''): Trap =>
  sql(fault, finds, words, [`CREATE USER ${name} ${rest}`], [`DROP USER ${name}`]);

const tables = (fault: string, finds: string, words: RegExp, charset: string, table: string): Trap => ({
  ...sql(
    fault,
    `iw_accounts-${finds}`,
    words,
    [`CREATE DATABASE iw_accounts CHARACTER SET ${charset}`, `CREATE TABLE iw_accounts.${table} (id INT)`],
    ['DROP DATABASE iw_accounts'],
  ),
  // there is something to lose, and no backup of it
  also: {
    'cluster/backup-unnamed': /something to lose: database iw_accounts$/,
    ...(finds === 'collation' ? { 'control/database/iw_accounts-in-use': /1 tables of IceWarp’s$/ } : {}),
  },
});

const STRICT = "'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION'";

/** Faults of the real database server. */
export const DATABASE_TRAPS: readonly Trap[] = [
  account('an account that lets nodes in from anywhere', 'wildcard-user', /'icewarp'@'%'/, "icewarp@'%'"),
  account('an account without a name', 'anonymous-user', /''@'127\.%'/, "''@'127.%'"),
  account('an account that needs TLS', 'tls-required', /'icewarp'@'10\.9\.9\.9'/, "icewarp@'10.9.9.9'", 'REQUIRE SSL'),
  account(
    'an account that logs in by a plugin of its own',
    'plugin-account',
    /unix_socket/,
    "icewarp@'10.9.9.9'",
    'IDENTIFIED VIA unix_socket',
  ),
  global('far too few connections', 'connections-few', /is 30 for 3 nodes/, 'max_connections', '30', '151'),
  global('packets that are too small', 'packet-small', /is 1 MB/, 'max_allowed_packet', '1048576', '16777216'),
  global('an engine without transactions', 'engine', /MyISAM/, 'default_storage_engine', 'MyISAM', 'InnoDB'),
  global('a server that takes no changes', 'read-only', /read_only/, 'read_only', 'ON', 'OFF'),
  global(
    'another character set at the start of every connection',
    'init-connect',
    /latin1/,
    'init_connect',
    "'SET NAMES latin1'",
    "''",
  ),
  global('another character set for new databases', 'charset', /latin1/, 'character_set_server', 'latin1', 'utf8mb4'),
  global('quotes that mean names', 'sql-mode', /ANSI_QUOTES/, 'sql_mode', "'STRICT_TRANS_TABLES,ANSI_QUOTES'", STRICT),
  global('values that are cut', 'sql-mode-loose', /STRICT/, 'sql_mode', "''", STRICT),
  global('connections that are cut', 'wait-timeout', /is 60 s/, 'wait_timeout', '60', '28800'),
  {
    ...global('a server in another time zone', '', /the database server \+05:30/, 'time_zone', "'+05:30'", "'SYSTEM'"),
    finds: 'cluster/time-zones',
  },
  tables('tables of somebody else', 'foreign', /1 tables that are not IceWarp’s/, 'utf8mb4', 'wiki'),
  tables('tables of an IceWarp', 'in-use', /1 tables of IceWarp’s/, 'utf8mb4', 'MetaData'),
  tables('tables in another character set', 'collation', /latin1_swedish_ci/, 'latin1', 'MetaData'),
  {
    fault: 'a server of an old version',
    finds: 'control/database/version',
    words: /version 5\.5\.68-MariaDB/,
    set: async ({ lab }: LabCluster) => {
      const file = '/etc/mysql/lab.cnf';
      const restart = async (edit: readonly string[]): Promise<void> => {
        await lab.database.stop();
        await lab.machine('database').run('sed', ['-i', ...edit, file]);
        await lab.database.start();
      };
      await restart(['$a version = 5.5.68-MariaDB']);
      return () => restart(['/^version = /d']);
    },
  },
];
