import { readFileSync } from 'node:fs';

import { readPathDat, type PathDat } from './path-dat.js';
import { findUser, type SystemUser } from './system-user.js';

/** Where the installer registers the installation, as the real one does. */
export const REGISTRATION_FILE = '/etc/icewarp/icewarp.conf';

export const DEFAULT_DIRECTORY = '/opt/icewarp';

/** What is on this machine's disk, before any setting is read. Folder names end with a slash, as IceWarp's do. */
export interface Installation {
  readonly directory: string;
  readonly version: string;
  /**
   * Services run as this user and their files belong to it: `IWS_PROCESS_USER`, except that Dovecot refuses root by
   * design, so that an installation for root runs as Debian's user `mail`.
   */
  readonly processUser: SystemUser;
  readonly pathDat: PathDat;
  readonly configPath: string;
  readonly spamPath: string;
  readonly calendarPath: string;
  /** Pid files, Dovecot's own files, pending requests: always local. */
  readonly runPath: string;
}

/** Reads the registration and `path.dat`; throws when IceWarp is not installed here. */
export function openInstallation(): Installation {
  const registration = readRegistration();
  const directory = registration.get('IWS_INSTALL_DIR') ?? DEFAULT_DIRECTORY;
  const pathDat = readPathDat(directory);
  const user = registration.get('IWS_PROCESS_USER') ?? 'root';
  return {
    directory,
    version: registration.get('IWS_VERSION') ?? '',
    processUser: findUser(user === 'root' ? 'mail' : user),
    pathDat,
    configPath: folder(pathDat.config || `${directory}/config`),
    spamPath: folder(pathDat.spam || `${directory}/spam`),
    calendarPath: folder(pathDat.calendar || `${directory}/calendar`),
    runPath: `${directory}/var/`,
  };
}

/** A folder's name with exactly one slash at its end. */
export function folder(path: string): string {
  return path.replace(/\/*$/, '/');
}

function readRegistration(): Map<string, string> {
  const lines = readFileSync(REGISTRATION_FILE, 'utf8').split('\n');
  const pairs = lines.map((line) => /^(IWS_[A-Z_]+)="?([^"]*)"?$/.exec(line.trim()));
  return new Map(pairs.flatMap((match) => (match?.[1] ? [[match[1], match[2] ?? ''] as const] : [])));
}
