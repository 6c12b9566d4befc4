import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';

import { folder, openInstallation, type Installation } from './installation.js';
import { readLabMachine, type LabMachine } from './machine.js';
import { Settings } from './settings.js';
import { NAME } from './variables.js';

/** One stand-in server as a process sees it: what is installed, where it runs, and the settings it read. */
export interface Server {
  readonly installation: Installation;
  readonly machine: LabMachine;
  readonly settings: Settings;
}

export function loadServer(): Server {
  const installation = openInstallation();
  return { installation, machine: readLabMachine(), settings: Settings.load(installation) };
}

/** A folder from a setting; a relative one lies in the installation. */
function settingFolder({ installation, settings }: Server, name: string): string {
  return folder(resolve(installation.directory, settings.get(name)));
}

export const mailPath = (server: Server): string => settingFolder(server, NAME.mailPath);
export const logPath = (server: Server): string => settingFolder(server, NAME.logPath);
export const archivePath = (server: Server): string => settingFolder(server, NAME.archivePath);

/** Where mail waits: path.dat lines 13, 8 and 9, otherwise inside the mail folder. */
export function queuePaths(server: Server): { incoming: string; outgoing: string; retry: string } {
  const { pathDat } = server.installation;
  const outgoing = folder(pathDat.outgoing || `${mailPath(server)}_outgoing`);
  return {
    incoming: folder(pathDat.incoming || `${mailPath(server)}_incoming`),
    outgoing,
    retry: folder(pathDat.retry || `${outgoing}retry`),
  };
}

/** The prefix of message and log files: path.dat line 4 of this node, otherwise the setting. */
export function serverId({ installation, settings }: Server): string {
  return installation.pathDat.serverId || settings.get(NAME.serverId);
}

/** The name in the SMTP greeting: path.dat line 11 of this node, otherwise the setting, otherwise the machine's. */
export function serverHostname({ installation, settings }: Server): string {
  return installation.pathDat.hostname || settings.get(NAME.hostname) || hostname();
}

/** With `C_System_Storage_Mailbox_Checkavailability` services start only where `provisioned.dat` is reachable. */
export function isMailStoreAvailable(server: Server): boolean {
  return !server.settings.isOn(NAME.checkAvailability) || existsSync(`${mailPath(server)}provisioned.dat`);
}
