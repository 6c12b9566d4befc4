/**
 * Every identifier of IceWarp's `tool` that the product uses, in one place: one edit here corrects it everywhere.
 * Names are those of versions 10 to 14; what a version lacks is found out by asking it, never by its number.
 */

/** Variables that are only read; `defaultConfig` and the `…InForce` ones exist from version 14 on. */
export const FACTS = {
  version: 'C_Version',
  os: 'C_OS',
  configPath: 'C_ConfigPath',
  spamPath: 'C_SpamPath',
  calendarPath: 'C_CalendarPath',
  serverId: 'C_PathServiceID',
  defaultConfig: 'C_DefaultConfig',
  groupwareAvailable: 'C_GW_IsAvailable',
  licenceStatus: 'C_LicenseStatus',
  licenceXml: 'C_License_XML',
  accountsInForce: 'C_System_Storage_Accounts_ODBCConnString_Real',
  groupwareInForce: 'C_GW_ConnectionString_Real',
  antispamInForce: 'C_AS_Challenge_ConnectionString_Real',
  activeSyncInForce: 'C_DB_EAS_Real',
  spamReportsInForce: 'C_DB_Reports_Real',
  directoryCacheInForce: 'C_Accounts_Global_Accounts_DirectoryCacheConnectionString_Real',
} as const;
export type Fact = keyof typeof FACTS;

/**
 * How accounts are kept, up to version 13: 0 and 1 in the file system, 2 in a database. Later ones have only databases, and
 * no such variable.
 */
export const STORAGE_MODE = { variable: 'C_System_Storage_Accounts_StorageMode', files: ['0', '1'] } as const;

/** Writing this one activates a licence by its order id, on this machine. */
export const ACTIVATE_LICENCE = 'C_OnlineLicense';

/** Writing 1 schedules a walk that counts all folders anew; from version 10.4 on. */
export const REFRESH_DIRECTORY_CACHE = 'C_Accounts_Global_Accounts_DirectoryCache_RefreshNow';

/** How IceWarp keeps a setting. */
export type SettingVariable =
  | {
      readonly kind: 'text';
      readonly variable: string;
      /** Versions without it do without. */ readonly optional?: true;
    }
  /** One string of six fields, with the password in it. */
  | { readonly kind: 'connection'; readonly variable: string }
  /** A PDO string beside user and password. */
  | { readonly kind: 'pdo'; readonly variable: string; readonly user: string; readonly password: string };

/** The settings that the product changes (G12, G14, G16, G19). */
export const SETTINGS = {
  databaseCharset: { kind: 'text', variable: 'C_System_MySQLDefaultCharset' },
  accountsDatabase: { kind: 'connection', variable: 'C_System_Storage_Accounts_ODBCConnString' },
  groupwareDatabase: { kind: 'connection', variable: 'C_GW_ConnectionString' },
  antispamDatabase: { kind: 'connection', variable: 'C_AS_Challenge_ConnectionString' },
  directoryCacheDatabase: {
    kind: 'connection',
    variable: 'C_Accounts_Global_Accounts_DirectoryCacheConnectionString',
  },
  activeSyncDatabase: {
    kind: 'pdo',
    variable: 'C_ActiveSync_DBConnection',
    user: 'C_ActiveSync_DBUser',
    password: 'C_ActiveSync_DBPass',
  },
  spamReportsDatabase: {
    kind: 'pdo',
    variable: 'C_AS_SpamReportsDBConn',
    user: 'C_AS_SpamReportsDBUser',
    password: 'C_AS_SpamReportsDBPass',
  },
  mailPath: { kind: 'text', variable: 'C_System_Storage_Dir_MailPath' },
  tempPath: { kind: 'text', variable: 'C_System_Storage_Dir_TempPath' },
  logPath: { kind: 'text', variable: 'C_System_Storage_Dir_LogPath' },
  // Only from late version 12 on; before it, the index has no folder of its own to set.
  fullTextPath: { kind: 'text', variable: 'C_System_Services_Fulltext_Database_Path', optional: true },
  fullTextEnabled: { kind: 'text', variable: 'C_System_Services_Fulltext_Enabled', optional: true },
  // Asked for only where the cluster file says which server: a version without them cannot do it.
  fullTextDatabaseUrl: { kind: 'text', variable: 'C_System_Services_Fulltext_Database_URL' },
  fullTextScannerUrl: { kind: 'text', variable: 'C_System_Services_Fulltext_Scanner_URL' },
  fullTextMailScanning: { kind: 'text', variable: 'C_System_Services_Fulltext_Mail_Scanning_Enabled', optional: true },
  fullTextArchiveScanning: {
    kind: 'text',
    variable: 'C_System_Services_Fulltext_Archive_Scanning_Enabled',
    optional: true,
  },
  fullTextGroupwareScanning: {
    kind: 'text',
    variable: 'C_System_Services_Fulltext_GW_Scanning_Enabled',
    optional: true,
  },
  archiveEnabled: { kind: 'text', variable: 'C_System_Tools_AutoArchive_Enable' },
  archivePath: { kind: 'text', variable: 'C_System_Tools_AutoArchive_Path' },
  autoCheckConfig: { kind: 'text', variable: 'C_System_Storage_LB_AutoCheckConfig' },
} as const satisfies Record<string, SettingVariable>;
export type SettingName = keyof typeof SETTINGS;

/** The table entry of a setting, as its general type. */
export function settingVariable(name: SettingName): SettingVariable {
  return SETTINGS[name];
}

/** How a setting that the product leaves as it is says where something is. */
export interface UntouchedPlace {
  readonly variable: string;
  /** local: a folder that every node has of its own, so that a relative one is right. */
  readonly holds: 'folder' | 'local' | 'database';
}

/** Settings of the configuration that name places and that no step writes (B11). */
export const UNTOUCHED_PLACES = {
  sharedTempPath: { variable: 'C_System_Storage_Dir_SharedTempPath', holds: 'folder' },
  smtpTempPath: { variable: 'C_Mail_SMTP_General_TempPath', holds: 'local' },
  groupwareAttachments: { variable: 'C_GW_Attachments', holds: 'folder' },
  groupwareMailboxAttachments: { variable: 'C_GW_AttachmentsMailboxPath', holds: 'folder' },
  webClientDatabase: { variable: 'C_Webmail_DBConnection', holds: 'database' },
  logDatabase: { variable: 'C_System_Logging_General_ODBCLogConn', holds: 'database' },
} as const satisfies Record<string, UntouchedPlace>;

/**
 * Whether IceWarp starts a stopped service again, by service. The vendor's list of variables has them in both ways of
 * writing; `tool` does not mind. The vendor's own scripts set the one of a service to 0 before they stop it.
 */
export const WATCHDOG = {
  smtp: 'C_System_Tools_WatchDog_SMTP',
  pop3: 'C_System_Tools_WatchDog_POP3',
  im: 'C_System_Tools_WatchDog_IM',
  groupware: 'C_System_Tools_Watchdog_GW',
  control: 'C_System_Tools_Watchdog_Control',
} as const;

/** How every variable of the watchdog begins, in lower case: a version may have more than are known. */
export const WATCHDOG_PREFIX = 'c_system_tools_watchdog_';
/** Those that switch nothing on: how often, where and how it looks. */
export const WATCHDOG_DETAILS = ['int', 'check_protocols', 'check_iplist'] as const;

/** Variables of domains and accounts. */
export const DOMAIN = { administrator: 'D_AdminEmail' } as const;
export const ACCOUNT = { password: 'U_Password', administrator: 'U_Admin' } as const;

/** Numbers of `tool create tables`; those of the web client and the spam reports are not known. */
export const TABLES = { accounts: 0, groupware: 2, antispam: 3, directoryCache: 4, activeSync: 6 } as const;
export type TableNumber = (typeof TABLES)[keyof typeof TABLES];

/** The table, in lower case, by whose presence IceWarp's own scripts tell that the others are there. */
export const META_DATA = 'metadata';
