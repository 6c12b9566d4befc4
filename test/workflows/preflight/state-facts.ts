import type { DatabaseDialect } from '../../../src/activities/database-dialect.js';
import type { LicenceFacts } from '../../../src/activities/licence-facts.js';
import type { InstalledState, StatePreflight } from '../../../src/activities/state-preflight.js';

/** An installation that is there already, and of which there is nothing to say. */
export function cleanState(other: Partial<InstalledState> = {}): StatePreflight {
  return {
    zone: 60,
    icewarp: {
      joined: false,
      licenceNamed: '',
      licenceThere: true,
      accounts: 0,
      accountsIn: 'config/accounts.db@',
      accountsInFiles: false,
      mail: false,
      watchdog: [],
      watchdogKnown: true,
      autostart: false,
      ...other,
    },
  };
}

/** A valid licence. */
export function cleanLicence(other: Partial<LicenceFacts> = {}): LicenceFacts {
  return { status: 0, fingerprint: 'f'.repeat(64), summary: 'GROUPWARE onpremise', ...other };
}

/** A database server whose ways are those of a fresh MariaDB. */
export function cleanDialect(other: Partial<DatabaseDialect> = {}): DatabaseDialect {
  return {
    readOnly: false,
    tlsOnly: [],
    plugin: 'mysql_native_password',
    accountPlugins: [],
    initConnect: '',
    charset: 'utf8mb4',
    sqlMode: 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',
    waitTimeout: 28_800,
    zone: 60,
    ...other,
  };
}
