import type { SettingsDesired } from '../../activities/settings.js';
import { fullTextOf, localFolders, sharedFolder } from '../../cluster/names.js';
import type { ClusterFile, DatabaseRole } from '../../cluster/schema.js';

/** A connection as the database settings need it: with the NAME of the password. */
export function connection(
  { database }: ClusterFile,
  role: DatabaseRole,
): {
  host: string;
  port: number;
  database: string;
  user: string;
  password: { secret: string };
} {
  const { host, port, names, user, password } = database;
  return { host, port, database: names[role], user, password };
}

/** What the first node's configuration says of databases (G12). */
export function databaseSettings(file: ClusterFile): SettingsDesired['values'] {
  return [
    { setting: 'databaseCharset', value: 'utf8mb4' },
    { setting: 'accountsDatabase', connection: connection(file, 'accounts') },
    { setting: 'groupwareDatabase', connection: connection(file, 'groupware') },
    { setting: 'antispamDatabase', connection: connection(file, 'antispam') },
    { setting: 'directoryCacheDatabase', connection: connection(file, 'directoryCache') },
    { setting: 'activeSyncDatabase', connection: connection(file, 'activeSync') },
    { setting: 'spamReportsDatabase', connection: connection(file, 'spamReports') },
  ];
}

/** What it says of folders, and that changes are looked for (G14, G16, G19). */
export function directorySettings(file: ClusterFile): SettingsDesired['values'] {
  const { temp, logs } = localFolders(file);
  return [
    { setting: 'mailPath', value: sharedFolder(file, 'mail') },
    { setting: 'tempPath', value: temp },
    { setting: 'logPath', value: logs },
    ...fullTextSettings(file),
    ...(file.mail.archive
      ? [
          { setting: 'archiveEnabled' as const, value: '1' },
          { setting: 'archivePath' as const, value: sharedFolder(file, 'archives') },
        ]
      : []),
    { setting: 'autoCheckConfig', value: '1' },
  ];
}

/** The index, and who makes it (G14; procedure, rule 10). A version without one of them does without. */
function fullTextSettings(file: ClusterFile): SettingsDesired['values'] {
  const { fullTextUrl, fullTextScanning } = file.icewarp;
  const kind = fullTextOf(file);
  const scanning = fullTextScanning === 'now' && kind !== 'off' ? '1' : '0';
  return [
    { setting: 'fullTextPath', value: sharedFolder(file, '_yodaidx') },
    ...(kind === 'off' ? [{ setting: 'fullTextEnabled' as const, value: '0' }] : []),
    ...(kind === 'single' && fullTextUrl !== undefined
      ? [
          { setting: 'fullTextDatabaseUrl' as const, value: fullTextUrl.database },
          { setting: 'fullTextScannerUrl' as const, value: fullTextUrl.scanner },
        ]
      : []),
    { setting: 'fullTextMailScanning', value: scanning },
    { setting: 'fullTextArchiveScanning', value: scanning },
    { setting: 'fullTextGroupwareScanning', value: scanning },
  ];
}

/** Where the parts of its configuration lie on the share (G20). */
export function configurationFolders(file: ClusterFile): Readonly<Record<'config' | 'spam' | 'calendar', string>> {
  return {
    config: sharedFolder(file, 'config'),
    spam: sharedFolder(file, 'spam'),
    calendar: sharedFolder(file, 'calendar'),
  };
}
