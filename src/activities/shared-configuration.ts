import { RolloutError } from '../cluster/errors.js';
import { withoutSlash } from '../cluster/names.js';
import { holdsSettings, isInstalled, sharedConfigurationOf } from '../icewarp/layout.js';
import { Tool } from '../icewarp/tool.js';
import { FACTS } from '../icewarp/variables.js';
import { ensureFolder, folderAt } from '../platform/folders.js';
import type { FolderFacts } from '../platform/folders.js';
import type { Agent } from './agent.js';
import { bringBack } from './configuration-back.js';
import {
  copyFolder,
  foreign,
  inspectFolder,
  inspectPasses,
  markPasses,
  takeAway,
  unmarkPasses,
} from './configuration-copy.js';
import type { CopyTarget, FolderState } from './configuration-copy.js';
import { lookAtTree } from './node-tree.js';
import { assertOldMailCopied } from './old-mail.js';
import { wasOpened } from './opened.js';
import { mailInForce, queuesBelow, stopWithQueuesEmpty } from './queues.js';
import type { Context, Resource } from './resource.js';
import { stopForChange } from './restart-marker.js';
import { assertShareMounted } from './share-mounted.js';
import { stateFile, type StateFile } from './state-file.js';

/** In the order in which they are copied: the configuration last, because its mark is what path.dat waits for. */
const PARTS = ['spam', 'calendar', 'config'] as const;
type Part = (typeof PARTS)[number];
const SOURCES = { spam: FACTS.spamPath, calendar: FACTS.calendarPath, config: FACTS.configPath } as const;

/** The first node's configuration, antispam and GroupWare folders on the share, once (G20, G23; procedure, rules 1, 2). */
export interface SharedConfigurationDesired extends ConfigurationCopy {
  /** Mount point of the share. */
  readonly mount: string;
}

/** Where a node's configuration goes. */
export interface ConfigurationCopy extends CopyTarget {
  readonly directory: string;
  readonly to: Readonly<Record<Part, string>>;
  /** The GroupWare folder is brought there by passes over its tree (procedure, rule 7): it is only marked. */
  readonly calendarByPasses?: boolean;
}

export interface SharedConfigurationObserved {
  /** path.dat here already points at the share: nothing may be copied there ever again. */
  readonly joined: boolean;
  readonly parts: Readonly<Record<Part, { readonly state: FolderState; readonly folder: FolderFacts | null }>>;
}

export const sharedConfiguration: Resource<SharedConfigurationDesired, SharedConfigurationObserved, 'node'> = {
  place: 'node',
  observe,

  diff({ to, node }, observed) {
    if (observed?.joined === true) return [];
    return PARTS.flatMap((part) => {
      const before = observed?.parts[part].state ?? 'unknown';
      return before === 'ours' ? [] : [{ what: to[part], before, after: `copy of node ${node}’s ${part} folder` }];
    });
  },

  async apply(desired, context) {
    const { directory } = desired;
    if (!(await isInstalled(directory))) throw new RolloutError('NOT_INSTALLED', `there is no IceWarp in ${directory}`);
    if (await pointsAt(directory, desired.to.config)) return;
    await assertShareMounted(desired.mount, desired.cluster, context.signal);
    const missing = await missingParts(desired, context);
    if (missing.length === 0) return;
    // Nothing may wait below the mail folder, which will be everybody's: path.dat names other queues.
    const mail = await mailInForce(directory, context.signal);
    await stopWithQueuesEmpty(directory, queuesBelow(mail), context);
    await copyConfiguration(desired, context);
  },

  async restore(desired, before, context) {
    const { directory, to } = desired;
    if (before?.joined === true) return [];
    await assertShareMounted(desired.mount, desired.cluster, context.signal);
    if (await pointsAt(directory, to.config)) {
      throw new RolloutError('CHANGED_MEANWHILE', `path.dat in ${directory} still points at ${to.config}`);
    }
    const own = (await wasOpened(context.agent, 'configuration')) ? await ownFolders(desired, context) : null;
    const kept: string[] = [];
    for (const part of [...PARTS].reverse()) {
      if (own === null && before?.parts[part].state === 'ours') continue;
      if (isCarried(part, desired)) await unmarkPasses(to[part], desired);
      else if (own === null) kept.push(...(await takeAway(to[part], desired, context.signal)));
      else kept.push(...(await bringBack(to[part], own[part], desired, context.signal)));
      const former = before?.parts[part].folder ?? null;
      if (former !== null && (await folderAt(withoutSlash(to[part]))) === null)
        await ensureFolder(withoutSlash(to[part]), former);
    }
    await backNote(context.agent).remove();
    return kept;
  },
};

/**
 * The node's own folders, into which goes what users have changed in the shared ones. Noted first: while one of them is
 * being replaced, IceWarp must not be asked where it is.
 */
async function ownFolders({ directory }: ConfigurationCopy, context: Context): Promise<Readonly<Record<Part, string>>> {
  const note = backNote(context.agent);
  await stopForChange(directory, context);
  const known = await note.read();
  if (known !== null) return known;
  const folders = await foldersInForce(directory, context);
  await note.write(folders);
  return folders;
}

function backNote(agent: Agent): StateFile<Readonly<Record<Part, string>>> {
  return stateFile(agent, 'configuration-back');
}

/**
 * Copies what is not on the share yet, and once more what the node has changed since it was copied. The services are
 * stopped, and path.dat does not point there yet.
 *
 * @throws RolloutError CONFIG_FOREIGN where the share holds anything else.
 */
export async function copyConfiguration(copy: ConfigurationCopy, context: Context): Promise<void> {
  const { to } = copy;
  const missing = await missingParts(copy, context);
  const sources = await foldersInForce(copy.directory, context);
  for (const { part, state } of missing) {
    if (isCarried(part, copy)) {
      await assertOldMailCopied(copy.directory, part, to[part], context);
      await markPasses(to[part], copy);
      continue;
    }
    if (state === 'stale') await takeAway(to[part], copy, context.signal);
    await copyFolder(sources[part], to[part], copy, context.signal);
  }
}

/** @throws RolloutError CONFIG_FOREIGN, or CONFIG_EMPTY when there is nothing to copy. */
async function missingParts(
  copy: ConfigurationCopy,
  context: Context,
): Promise<readonly { readonly part: Part; readonly state: FolderState }[]> {
  const sources = await foldersInForce(copy.directory, context);
  const found: { part: Part; state: FolderState }[] = [];
  for (const part of PARTS) {
    const state = await inspectPart(part, sources[part], copy, context);
    if (state === 'foreign') throw foreign(copy.to[part]);
    if (state !== 'ours') found.push({ part, state });
  }
  return found;
}

async function observe(
  desired: SharedConfigurationDesired,
  context: Context,
): Promise<SharedConfigurationObserved | null> {
  const { directory, to } = desired;
  if (!(await isInstalled(directory))) return null;
  const joined = await pointsAt(directory, to.config);
  const tool = new Tool(directory, context.signal);
  const look = async (part: Part): Promise<SharedConfigurationObserved['parts'][Part]> => ({
    state: await inspectPart(part, joined ? undefined : await tool.get(SOURCES[part]), desired, context),
    folder: await folderAt(withoutSlash(to[part])),
  });
  const [spam, calendar, config] = await Promise.all([look('spam'), look('calendar'), look('config')]);
  return { joined, parts: { spam, calendar, config } };
}

/** @param from - the original, as long as the node still uses it. */
async function inspectPart(
  part: Part,
  from: string | undefined,
  copy: ConfigurationCopy,
  context: Context,
): Promise<FolderState> {
  const { directory, to } = copy;
  if (!isCarried(part, copy)) return inspectFolder(from, to[part], copy, context.signal);
  const look = await lookAtTree({ directory, what: part, to: to[part] }, context);
  return inspectPasses(to[part], look?.copied === true, copy);
}

function isCarried(part: Part, { calendarByPasses }: ConfigurationCopy): part is 'calendar' {
  return part === 'calendar' && calendarByPasses === true;
}

/**
 * The folders that IceWarp uses now.
 *
 * @throws RolloutError CONFIG_EMPTY when they hold no settings: nothing may be made of an empty configuration.
 */
async function foldersInForce(directory: string, { signal }: Context): Promise<Readonly<Record<Part, string>>> {
  const tool = new Tool(directory, signal);
  const config = await tool.get(SOURCES.config);
  if (!(await holdsSettings(config, signal))) throw new RolloutError('CONFIG_EMPTY', `${config} holds no settings`);
  return { config, spam: await tool.get(SOURCES.spam), calendar: await tool.get(SOURCES.calendar) };
}

async function pointsAt(directory: string, config: string): Promise<boolean> {
  return withoutSlash(await sharedConfigurationOf(directory)) === withoutSlash(config);
}
