import { lstat, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { ensureStopped } from '../icewarp/control.js';
import { readRegistration, REGISTRATION, SERVICE } from '../icewarp/installation.js';
import { installLogs, runInstaller } from '../icewarp/installer.js';
import { isInstalled, sharedConfigurationOf } from '../icewarp/layout.js';
import { Tool } from '../icewarp/tool.js';
import { FACTS } from '../icewarp/variables.js';
import type { Installer } from '../platform/agent-config.js';
import { initScript, removeInitScript } from '../platform/init-script.js';
import { present, sizeOfTree, treeRoot } from '../platform/tree.js';
import type { Agent } from './agent.js';
import type { Change, Context, Resource } from './resource.js';
import { stateFile } from './state-file.js';
import type { StateFile } from './state-file.js';

/** IceWarp on one node, installed when it is not there, then stopped until it joins (G10, B9; procedure, rule 5). */
export interface InstallationDesired {
  /** Name of the installer in agent.yaml. */
  readonly installer: string;
  readonly directory: string;
  /** OS user of a new installation's services. One that is there keeps its own. */
  readonly user: string;
  readonly build?: string;
}

export interface InstallationObserved {
  /** null: not installed. */
  readonly version: string | null;
  readonly directory: string;
  /** Our own installation was cut short. */
  readonly unfinished: boolean;
}

/** The durable note about an installation of ours. */
interface InstallNote {
  readonly finished: boolean;
  /** What was not there before, and is therefore ours. */
  readonly ours: readonly string[];
}

/** Folders of an installation whose content belongs to users. */
const USERS_FOLDERS = ['mail', 'archive'] as const;

export const installation: Resource<InstallationDesired, InstallationObserved, 'node'> = {
  place: 'node',
  observe,

  diff({ directory, installer, build }, observed) {
    const version = observed?.version ?? null;
    if (version === null || observed?.unfinished === true) {
      const before = version === null ? 'absent' : 'unfinished';
      return [{ what: `IceWarp in ${directory}`, before, after: `installed by "${installer}"` }];
    }
    const changes: Change[] = [];
    const now = observed?.directory ?? directory;
    if (now !== directory) changes.push({ what: 'folder of IceWarp', before: now, after: directory });
    if (build !== undefined && version !== build) changes.push({ what: 'build', before: version, after: build });
    return changes;
  },

  async apply(desired, context) {
    const observed = await observe(desired, context);
    if (observed.version !== null && !observed.unfinished) {
      const [change] = installation.diff(desired, observed);
      if (change === undefined) return;
      const { what, before, after } = change;
      throw new RolloutError(
        'INSTALLATION_DIFFERS',
        `IceWarp is installed, but its ${what} is ${before}, not ${after}`,
      );
    }
    await install(desired, context);
  },

  async restore(desired, before, context) {
    const note = noteOf(context.agent);
    const made = await note.read();
    if (made === null || (before !== null && before.version !== null && !before.unfinished)) return [];
    if (await isInstalled(desired.directory)) await ensureStopped(desired.directory, context.signal);
    const held = made.ours.includes(desired.directory) ? await mailIn(desired.directory, context) : 0;
    if (held > 0) {
      await note.remove();
      return [`IceWarp stays in ${desired.directory}, stopped: ${held} files of users are in it`];
    }
    await removeOurs(made.ours, context);
    await note.remove();
    // What was in the folder before cannot be told from what the installer put there.
    if (!(await isInstalled(desired.directory))) return [];
    return [`the program of IceWarp stays in ${desired.directory}: the folder was there before`];
  },
};

async function observe({ directory }: InstallationDesired, { agent }: Context): Promise<InstallationObserved> {
  const [registration, note] = await Promise.all([readRegistration(), noteOf(agent).read()]);
  return {
    version: registration?.version ?? null,
    directory: registration?.directory ?? directory,
    unfinished: note !== null && !note.finished,
  };
}

async function install(desired: InstallationDesired, context: Context): Promise<void> {
  const { directory } = desired;
  const { agent, signal } = context;
  // The installer would copy its defaults into the shared folders.
  if ((await sharedConfigurationOf(directory)) !== '') {
    throw new RolloutError('NODE_JOINED', `path.dat in ${directory} points at a shared configuration`);
  }
  const installer = installerOf(agent, desired.installer);
  const note = noteOf(agent);
  const cutShort = await note.read();
  if (cutShort === null) await note.write({ finished: false, ours: await absent(directory) });
  else await cleanUp(directory, cutShort, context);
  await runInstaller(installer, desired, signal);
  await assertInstalled(desired, context);
  // Until they join, nodes stay stopped and off (procedure, rule 5).
  if ((await agent.platform.services.startsAtBoot(SERVICE, signal)) === true) {
    await agent.platform.services.setStartAtBoot(SERVICE, false, signal);
  }
  await ensureStopped(directory, signal);
  await note.write({ finished: true, ours: (await note.read())?.ours ?? [] });
}

function installerOf({ config }: Agent, name: string): Installer {
  const installer = Object.hasOwn(config.installers, name) ? config.installers[name] : undefined;
  if (installer !== undefined) return installer;
  throw new RolloutError('INSTALLER_MISSING', `agent.yaml names no installer "${name}"`);
}

/**
 * The installer refuses a folder that it finds without a registration: what it left half made goes first.
 *
 * @throws RolloutError FOLDER_CONFLICT when the attempt was long ago and users have mail there by now.
 */
async function cleanUp(directory: string, { ours }: InstallNote, context: Context): Promise<void> {
  const held = ours.includes(directory) ? await mailIn(directory, context) : 0;
  if (held > 0) {
    const message = `${directory} is of an unfinished installation, but ${held} files of users are in it`;
    throw new RolloutError('FOLDER_CONFLICT', message);
  }
  if (await isInstalled(directory)) await ensureStopped(directory, context.signal);
  await removeOurs(ours, context);
}

/** B9: what counts is what is there, not how the installer ended. @throws RolloutError INSTALL_FAILED. */
async function assertInstalled({ directory, build }: InstallationDesired, { signal }: Context): Promise<void> {
  const registration = await readRegistration();
  const logs = `see ${installLogs().join(' and ')}`;
  if (registration?.directory !== directory || !(await isInstalled(directory))) {
    throw new RolloutError('INSTALL_FAILED', `the installer ended, but IceWarp is not in ${directory}: ${logs}`);
  }
  const version = await new Tool(directory, signal).get(FACTS.version);
  if (version !== registration.version) {
    const message = `the installer ended, but registered ${registration.version} while tool says ${version}: ${logs}`;
    throw new RolloutError('INSTALL_FAILED', message);
  }
  if (build === undefined || build === version) return;
  throw new RolloutError('INSTALLATION_DIFFERS', `the installer brings build ${version}, not ${build}`);
}

/** What the installer makes and is not there yet, the folder of IceWarp last. */
async function absent(directory: string): Promise<readonly string[]> {
  const places = [...installLogs(), initScript(SERVICE), REGISTRATION, directory];
  const found = await Promise.all(places.map((place) => present(lstat(place))));
  return places.filter((_, index) => found[index] === null);
}

async function removeOurs(ours: readonly string[], { signal }: Context): Promise<void> {
  for (const place of ours) {
    if (place === initScript(SERVICE)) await removeInitScript(SERVICE, signal);
    else await rm(place, { recursive: true, force: true });
    if (place === REGISTRATION) await rmdir(dirname(place)).catch(() => undefined);
  }
}

async function mailIn(directory: string, { signal }: Context): Promise<number> {
  let files = 0;
  for (const name of USERS_FOLDERS) files += (await sizeOfTree(treeRoot(join(directory, name)), { signal })).files;
  return files;
}

function noteOf(agent: Agent): StateFile<InstallNote> {
  return stateFile<InstallNote>(agent, 'installation');
}
