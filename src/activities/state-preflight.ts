import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { parseConnectionString } from '../icewarp/connection-string.js';
import { SERVICE } from '../icewarp/installation.js';
import { isInstalled, licenceFile, readPathDat, sharedConfigurationOf } from '../icewarp/layout.js';
import { LINE, lineOf } from '../icewarp/path-dat.js';
import { Tool } from '../icewarp/tool.js';
import { ACCOUNT, SETTINGS, STORAGE_MODE } from '../icewarp/variables.js';
import { readWatchdog, watched } from '../icewarp/watchdog.js';
import { treeRoot, walkTree } from '../platform/tree.js';
import { isQueue, mailInForce } from './queues.js';
import type { Context, Procedure } from './resource.js';

export interface StatePreflightInput {
  readonly directory: string;
  /** Full addresses of accounts that the rollout makes: they do not count. */
  readonly own: readonly string[];
}

/** What an installation that is there already holds: under 2 kB, no name of any user. */
export interface StatePreflight {
  /** Minutes by which this machine's time is ahead of UTC. */
  readonly zone: number;
  /** null where IceWarp is not installed. */
  readonly icewarp: InstalledState | null;
}

export interface InstalledState {
  readonly joined: boolean;
  /** The licence file that path.dat names; empty where it names none. */
  readonly licenceNamed: string;
  /** Whether there is one where path.dat will name it. */
  readonly licenceThere: boolean;
  /** Accounts but those that the rollout makes; null where IceWarp could not name them. */
  readonly accounts: number | null;
  /** The accounts database in force, as `database@host`; the host is empty for a file. */
  readonly accountsIn: string;
  /** Whether accounts are files and not rows of any database (versions up to 13). */
  readonly accountsInFiles: boolean;
  /** Whether a message, or anything else, lies in the mail folder outside of the queues. */
  readonly mail: boolean;
  /** What the watchdog would start again. */
  readonly watchdog: readonly string[];
  /** Whether this version has any variable of the watchdog. */
  readonly watchdogKnown: boolean;
  /** Whether it starts with the machine. */
  readonly autostart: boolean;
}

/** Longer texts are cut: the answer goes into history. */
const LONGEST = 160;
const MOST = 12;

/** Looks at what an installation holds that is there already (procedure, order 2, step 1). Changes nothing. */
export const statePreflight: Procedure<StatePreflightInput, StatePreflight, 'node'> = {
  place: 'node',
  async run({ directory, own }, context) {
    const zone = -new Date().getTimezoneOffset();
    if (!(await isInstalled(directory))) return { zone, icewarp: null };
    return { zone, icewarp: await stateOf(directory, own, context) };
  },
};

async function stateOf(directory: string, own: readonly string[], { agent, signal }: Context): Promise<InstalledState> {
  const joined = (await sharedConfigurationOf(directory)) !== '';
  const named = lineOf(await readPathDat(directory), LINE.licence);
  const licence = {
    licenceNamed: named === '' ? '' : resolve(directory, named).slice(-LONGEST),
    licenceThere: await stat(licenceFile(directory)).then(
      (found) => found.isFile(),
      () => false,
    ),
  };
  // what a running cluster holds is its own
  if (joined) {
    const none = {
      accounts: 0,
      accountsIn: '',
      accountsInFiles: false,
      mail: false,
      watchdog: [],
      watchdogKnown: true,
      autostart: false,
    };
    return { joined, ...licence, ...none };
  }
  const tool = new Tool(directory, signal);
  const watchdog = await readWatchdog(tool, directory);
  const on = [...watchdog].filter(([, isOn]) => isOn).map(([variable]) => watched(variable).slice(0, 30));
  return {
    joined,
    ...licence,
    accounts: await accountsBut(tool, own),
    accountsIn: await accountsIn(tool),
    accountsInFiles: (STORAGE_MODE.files as readonly string[]).includes((await tool.find(STORAGE_MODE.variable)) ?? ''),
    mail: await holdsMail(directory, signal),
    watchdog: on.slice(0, MOST),
    watchdogKnown: watchdog.size > 0,
    autostart: (await agent.platform.services.startsAtBoot(SERVICE, signal)) === true,
  };
}

async function accountsBut(tool: Tool, own: readonly string[]): Promise<number | null> {
  const ours = new Set(own.map((address) => address.toLowerCase()));
  try {
    const names = await tool.names('account', ACCOUNT.administrator);
    return names.filter((name) => !ours.has(name.toLowerCase())).length;
  } catch (error) {
    // a server whose accounts database is away can still be looked at otherwise
    if (error instanceof RolloutError && error.code === 'TOOL_FAILED') return null;
    throw error;
  }
}

async function accountsIn(tool: Tool): Promise<string> {
  const fields = parseConnectionString((await tool.find(SETTINGS.accountsDatabase.variable)) ?? '');
  return fields === null ? '' : `${fields.database.slice(-LONGEST)}@${fields.host.slice(0, LONGEST)}`;
}

async function holdsMail(directory: string, signal: AbortSignal): Promise<boolean> {
  const mail = await mailInForce(directory, signal);
  if (mail === '') return false;
  for await (const { kind } of walkTree(treeRoot(mail), { signal, exclude: isQueue })) if (kind === 'file') return true;
  return false;
}
