/** A variable that lives in `settings.cfg`. */
export interface StoredVariable {
  readonly name: string;
  /** Its value on a server that was never configured. */
  readonly initial: (installDirectory: string) => string;
}

const stored = (name: string, initial: string): StoredVariable => ({ name, initial: () => initial });
const below = (name: string, path: string): StoredVariable => ({ name, initial: (install) => `${install}/${path}` });

/** Names the code itself reads. */
export const NAME = {
  mailPath: 'C_System_Storage_Dir_MailPath',
  logPath: 'C_System_Storage_Dir_LogPath',
  archiveEnabled: 'C_System_Tools_AutoArchive_Enable',
  archivePath: 'C_System_Tools_AutoArchive_Path',
  checkAvailability: 'C_System_Storage_Mailbox_Checkavailability',
  accounts: 'C_System_Storage_Accounts_ODBCConnString',
  groupware: 'C_GW_ConnectionString',
  antispam: 'C_AS_Challenge_ConnectionString',
  directoryCache: 'C_Accounts_Global_Accounts_DirectoryCacheConnectionString',
  activeSync: 'C_ActiveSync_DBConnection',
  spamReports: 'C_AS_SpamReportsDBConn',
  charset: 'C_System_MySQLDefaultCharset',
  serverId: 'C_System_Storage_LB_ServerID',
  autoCheck: 'C_System_Storage_LB_AutoCheckConfig',
  hostname: 'C_Mail_SMTP_General_HostName',
} as const;

/** Whether the watchdog starts a module again; see watchdog-service.ts. */
export const WATCHDOG = {
  smtp: 'C_System_Tools_WatchDog_SMTP',
  pop3: 'C_System_Tools_WatchDog_POP3',
  im: 'C_System_Tools_WatchDog_IM',
  cal: 'C_System_Tools_Watchdog_GW',
} as const;

/** Every stored variable of the stand-in: those that a fresh cluster needs, no others. */
export const STORED_VARIABLES: readonly StoredVariable[] = [
  below(NAME.mailPath, 'mail/'),
  below('C_System_Storage_Dir_TempPath', 'temp/'),
  below(NAME.logPath, 'logs/'),
  stored(NAME.archiveEnabled, '0'),
  stored(NAME.archivePath, 'archive/'),
  stored(NAME.checkAvailability, '0'),
  // Relative to the installation, as on a real server: a shared configuration that still holds them splits silently.
  stored(NAME.accounts, 'config/accounts.db;;;;7;3'),
  stored(NAME.groupware, 'calendar/groupware.db;;;;7;3'),
  stored(NAME.antispam, 'spam/antispam.db;;;;7;3'),
  stored(NAME.directoryCache, 'config/directorycache.db;;;;7;3'),
  stored(NAME.activeSync, ''),
  stored('C_ActiveSync_DBUser', ''),
  stored('C_ActiveSync_DBPass', ''),
  stored(NAME.spamReports, ''),
  stored('C_AS_SpamReportsDBUser', ''),
  stored('C_AS_SpamReportsDBPass', ''),
  stored('C_Webmail_DBConnection', ''),
  stored(NAME.charset, ''),
  stored(NAME.serverId, ''),
  stored(NAME.autoCheck, '0'),
  stored(NAME.hostname, ''),
  stored('C_System_Services_SmallFilesCache_Size', '0'),
  stored('C_System_Services_Fulltext_Enabled', '0'),
  below('C_System_Services_Fulltext_Database_Path', 'yoda/'),
  // Only kept: no full-text service runs here. Their first values on a real server are not known.
  stored('C_System_Services_Fulltext_Database_URL', 'http://127.0.0.1:25793'),
  stored('C_System_Services_Fulltext_Scanner_URL', 'http://127.0.0.1:25795'),
  stored('C_System_Services_Fulltext_Mail_Scanning_Enabled', '0'),
  stored('C_System_Services_Fulltext_Archive_Scanning_Enabled', '0'),
  stored('C_System_Services_Fulltext_GW_Scanning_Enabled', '0'),
  ...Object.values(WATCHDOG).map((name) => stored(name, '0')),
];

const byName = new Map(STORED_VARIABLES.map((variable) => [variable.name.toLowerCase(), variable]));

/** Finds a stored variable; names are case-insensitive. */
export function storedVariable(name: string): StoredVariable | undefined {
  return byName.get(name.toLowerCase());
}
