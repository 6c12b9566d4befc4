import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { sizeOnShare } from '../platform/share.js';
import { LINE, lineOf, parsePathDat } from './path-dat.js';
import type { PathDat } from './path-dat.js';

/** Files of an installation, by their place in it. */
export const toolScript = (directory: string): string => join(directory, 'tool.sh');
export const controlScript = (directory: string): string => join(directory, 'icewarpd.sh');
export const pathDatFile = (directory: string): string => join(directory, 'path.dat');

/** The list of all variables that this version has, which is installed with it. */
export const variableList = (directory: string): string => join(directory, 'api/delphi/apiconst.pas');
/** Where a node's licence lies once it has joined (path.dat line 12). */
export const licenceFile = (directory: string): string => join(directory, 'license.key');

/** The file whose absence makes IceWarp write defaults, and answer 550 to real mail (procedure, rule 1). */
export const SETTINGS_FILE = 'settings.cfg';

/**
 * Lists mailboxes that lie outside of the mail folder (B4). The vendor names the file, not its folder: these are the
 * folders of an installation in which files of that kind lie.
 */
export const EXTERNAL_MAILBOXES = ['externaldirs.dat', 'config/externaldirs.dat'] as const;

/** Whether IceWarp is installed in a folder. */
export async function isInstalled(directory: string): Promise<boolean> {
  return (await sizeOf(toolScript(directory))) !== null;
}

/** The lines of a node's path.dat; none where there is no such file: a stand-alone node. */
export async function readPathDat(directory: string): Promise<PathDat> {
  return parsePathDat(await readText(pathDatFile(directory)));
}

/** The shared configuration folder that path.dat names; empty on a stand-alone node. */
export async function sharedConfigurationOf(directory: string): Promise<string> {
  return lineOf(await readPathDat(directory), LINE.config);
}

/** Whether a configuration folder, which may be on a share, holds settings that are not empty. */
export async function holdsSettings(config: string, signal: AbortSignal): Promise<boolean> {
  return ((await sizeOnShare(join(config, SETTINGS_FILE), signal)) ?? 0) > 0;
}

/**
 * Stands before everything that makes IceWarp read its configuration: on an empty one it would write defaults.
 *
 * @throws RolloutError CONFIG_EMPTY when path.dat names a configuration folder without settings; SHARE_UNREACHABLE when
 * the share does not answer.
 */
export async function assertConfigurationThere(directory: string, signal: AbortSignal): Promise<void> {
  const config = await sharedConfigurationOf(directory);
  if (config === '' || (await holdsSettings(config, signal))) return;
  throw new RolloutError(
    'CONFIG_EMPTY',
    `path.dat names ${config}, but there is no ${SETTINGS_FILE} with content in it`,
  );
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
