import { activateLicence, obtainTrial, licenceStatus, licenceXml, reference } from './licence.js';
import { withoutPassword } from './connection-string.js';
import { isRefreshPending, requestRefresh } from './refresh-request.js';
import { serverId, type Server } from './server.js';
import { isRunning } from './modules.js';
import { NAME, STORED_VARIABLES, storedVariable } from './variables.js';

const licence = (server: Server): string => licenceXml(server);
const real =
  (name: string) =>
  ({ settings }: Server): string =>
    withoutPassword(settings.get(name));

/** Variables that are computed: they cannot be set. */
const READ_ONLY: Readonly<Record<string, (server: Server) => string>> = {
  C_Version: ({ installation }) => installation.version,
  C_NiceVersion: ({ installation }) => `${installation.version} (icewarp-rollout stand-in)`,
  C_OS: () => '1',
  C_InstallPath: ({ installation }) => `${installation.directory}/`,
  C_ConfigPath: ({ installation }) => installation.configPath,
  C_SpamPath: ({ installation }) => installation.spamPath,
  C_CalendarPath: ({ installation }) => installation.calendarPath,
  C_DefaultConfig: ({ settings }) => (settings.isDefault ? '1' : '0'),
  C_PathServiceID: serverId,
  C_System_Storage_Accounts_ODBCConnString_Real: real(NAME.accounts),
  C_GW_ConnectionString_Real: real(NAME.groupware),
  C_AS_Challenge_ConnectionString_Real: real(NAME.antispam),
  C_Accounts_Global_Accounts_DirectoryCacheConnectionString_Real: real(NAME.directoryCache),
  C_DB_EAS_Real: real(NAME.activeSync),
  C_DB_Reports_Real: real(NAME.spamReports),
  C_GW_IsAvailable: ({ installation }) => (isRunning(installation, 'cal') ? '1' : '0'),
  C_LicenseStatus: licenceStatus,
  C_License: licence,
  C_License_XML: licence,
  C_Reference: reference,
};

/** Variables whose writing does something at once. */
const ACTIONS: Readonly<Record<string, (server: Server, value: string) => void>> = {
  C_OnlineLicense: activateLicence,
  C_ObtainTrialLicense: obtainTrial,
  C_Accounts_Global_Accounts_DirectoryCache_RefreshNow: ({ installation }, value) => {
    if (value === '1') requestRefresh(installation);
  },
};

const lowerCase = <T>(table: Readonly<Record<string, T>>): ReadonlyMap<string, T> =>
  new Map(Object.entries(table).map(([name, entry]) => [name.toLowerCase(), entry]));

const readOnly = lowerCase(READ_ONLY);
const actions = lowerCase(ACTIONS);

/** Every name that {@link readValue} or {@link writeValue} accepts. */
export const SYSTEM_VARIABLES: readonly string[] = [
  ...Object.keys(READ_ONLY),
  ...Object.keys(ACTIONS),
  ...STORED_VARIABLES.map(({ name }) => name),
].sort();

/** The value of a system variable; undefined when this version has none of that name. */
export function readValue(server: Server, name: string): string | undefined {
  const compute = readOnly.get(name.toLowerCase());
  if (compute) return compute(server);
  if (name.toLowerCase() === 'c_accounts_global_accounts_directorycache_refreshnow') {
    return isRefreshPending(server.installation) ? '1' : '0';
  }
  if (actions.has(name.toLowerCase())) return '';
  return storedVariable(name) && server.settings.get(name);
}

export type WriteKind = 'stored' | 'action' | 'read-only' | 'unknown';

export function writeKind(name: string): WriteKind {
  if (storedVariable(name)) return 'stored';
  if (actions.has(name.toLowerCase())) return 'action';
  return readOnly.has(name.toLowerCase()) ? 'read-only' : 'unknown';
}

/** Writes values in one go; actions come after the settings are on disk. */
export function writeValues(server: Server, values: readonly (readonly [name: string, value: string])[]): void {
  const settings = values.filter(([name]) => writeKind(name) === 'stored');
  if (settings.length > 0) server.settings.change(settings);
  for (const [name, value] of values) actions.get(name.toLowerCase())?.(server, value);
}
