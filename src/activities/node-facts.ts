import { resolve } from 'node:path';

import { withoutPassword } from '../icewarp/connection-string.js';
import { isInstalled, readPathDat } from '../icewarp/layout.js';
import { LINE, lineOf } from '../icewarp/path-dat.js';
import { Tool } from '../icewarp/tool.js';
import { DOMAIN, FACTS, SETTINGS } from '../icewarp/variables.js';
import type { Procedure } from './resource.js';

/** What a node says of itself, for the rules between nodes (B12, G18; procedure, rules 1 and 4). */
export interface NodeFacts {
  readonly version: string;
  readonly os: string;
  readonly serverId: string;
  /** path.dat line 14: `0` master, `1` slave, empty on a stand-alone node. */
  readonly slave: string;
  readonly configPath: string;
  readonly mailPath: string;
  /** IceWarp took its default configuration; versions before 14 do not say, which counts as no. */
  readonly defaultConfig: boolean;
  readonly domains: number;
  /** What must be equal on every node: folders, and databases without their passwords. */
  readonly effective: Readonly<Record<string, string>>;
}

/** Settings whose values say where things are. */
const PLACES = ['mailPath', 'tempPath', 'logPath', 'fullTextPath', 'archivePath'] as const;

/** Databases: what is in force where the version says so, otherwise what is set. */
const DATABASES = {
  accounts: [FACTS.accountsInForce, SETTINGS.accountsDatabase.variable],
  groupware: [FACTS.groupwareInForce, SETTINGS.groupwareDatabase.variable],
  antispam: [FACTS.antispamInForce, SETTINGS.antispamDatabase.variable],
  directoryCache: [FACTS.directoryCacheInForce, SETTINGS.directoryCacheDatabase.variable],
  activeSync: [FACTS.activeSyncInForce, SETTINGS.activeSyncDatabase.variable],
  spamReports: [FACTS.spamReportsInForce, SETTINGS.spamReportsDatabase.variable],
} as const;

/** Reads what a node says of itself; null where IceWarp is not installed. */
export const nodeFacts: Procedure<{ readonly directory: string }, NodeFacts | null, 'node'> = {
  place: 'node',
  async run({ directory }, { signal }) {
    if (!(await isInstalled(directory))) return null;
    const tool = new Tool(directory, signal);
    const configPath = await tool.get(FACTS.configPath);
    const effective = { configPath, ...(await placesOf(tool, directory)), ...(await databasesOf(tool)) };
    return {
      version: await tool.get(FACTS.version),
      os: (await tool.find(FACTS.os)) ?? 'unknown',
      serverId: (await tool.find(FACTS.serverId)) ?? '',
      slave: lineOf(await readPathDat(directory), LINE.slave),
      configPath,
      mailPath: effective.mailPath ?? '',
      defaultConfig: (await tool.find(FACTS.defaultConfig)) === '1',
      domains: (await tool.names('domain', DOMAIN.administrator)).length,
      effective,
    };
  },
};

async function placesOf(tool: Tool, directory: string): Promise<Partial<Record<(typeof PLACES)[number], string>>> {
  const places: Partial<Record<(typeof PLACES)[number], string>> = {};
  for (const name of PLACES) {
    const value = await tool.find(SETTINGS[name].variable);
    // A relative path lies in the installation.
    if (value !== undefined) places[name] = value === '' ? '' : resolve(directory, value);
  }
  return places;
}

async function databasesOf(tool: Tool): Promise<Record<string, string>> {
  const databases: Record<string, string> = {};
  for (const [name, variables] of Object.entries(DATABASES)) {
    for (const variable of variables) {
      const value = await tool.find(variable);
      if (value === undefined) continue;
      databases[`${name}Database`] = withoutPassword(value);
      break;
    }
  }
  return databases;
}
