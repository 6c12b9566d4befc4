import type { KindOfFinding } from './kind.js';

/** What a database server asks of those who log in, and makes of what they write. */
export const DIALECT_FINDINGS = {
  serverReadOnly: {
    pattern: 'control/database/read-only',
    severity: 'stops',
    guide: 'G4',
    would: 'nodes could read and not write: it looks like a replica, or is one',
    mend: 'name the writable server in the cluster file, or end its read-only state',
    approvable: false,
  },
  tlsRequired: {
    pattern: 'control/database/tls-required',
    severity: 'warns',
    guide: 'G8 G4',
    would: 'nodes whose IceWarp logs in without TLS are refused; whether it can is not known',
    mend: 'prove it with one IceWarp server first, or let the cluster’s account in without TLS on a network of its own',
    approvable: false,
  },
  pluginOfAccount: {
    pattern: 'control/database/plugin-account',
    severity: 'warns',
    guide: 'G8 G5',
    would:
      'a node whose database client does not speak it cannot log in; old MySQL clients only speak mysql_native_password',
    mend: 'give this account a plugin that the nodes’ client speaks, such as mysql_native_password',
    approvable: false,
  },
  pluginOfServer: {
    pattern: 'control/database/plugin',
    severity: 'tells',
    guide: 'G8 G5',
    would: 'the accounts of the nodes would get it; old MySQL clients only speak mysql_native_password',
    mend: 'see that the client library on the nodes speaks it, or change the server’s default before the rollout',
    approvable: false,
  },
  initConnect: {
    pattern: 'control/database/init-connect',
    severity: 'warns',
    guide: 'G4',
    would: 'every connection of a node would begin with it, and with another character set than utf8mb4',
    mend: 'set init_connect to SET NAMES utf8mb4, as the vendor’s staff do, or empty it',
    approvable: false,
  },
  charsetOfServer: {
    pattern: 'control/database/charset',
    severity: 'tells',
    guide: 'G4',
    would: 'tables in databases that are made by hand, and old clients, would use it; the cluster’s own are utf8mb4',
    mend: 'set character_set_server to utf8mb4 on the database server',
    approvable: false,
  },
  sqlModeOdd: {
    pattern: 'control/database/sql-mode',
    severity: 'warns',
    guide: 'G4',
    would: 'quotes and backslashes in what IceWarp writes would be read in another way than it means them',
    mend: 'take ANSI_QUOTES and NO_BACKSLASH_ESCAPES out of sql_mode on the database server',
    approvable: false,
  },
  sqlModeLoose: {
    pattern: 'control/database/sql-mode-loose',
    severity: 'tells',
    guide: 'G4',
    would: 'values that are too long are cut without an error',
    mend: 'set STRICT_TRANS_TABLES in sql_mode, unless your IceWarp is known to need it off',
    approvable: false,
  },
  waitShort: {
    pattern: 'control/database/wait-timeout',
    severity: 'warns',
    guide: 'G4',
    would: 'connections that IceWarp keeps open are cut, and the first who needs one again sees an error',
    mend: 'raise wait_timeout: its default is 28800 s, the vendor’s staff set 93600 s',
    approvable: false,
  },
} as const satisfies Record<string, KindOfFinding>;
