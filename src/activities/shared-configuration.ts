import { RolloutError } from '../cluster/errors.js';
import { holdsSettings, isInstalled, sharedConfigurationOf } from '../icewarp/layout.js';
import { Tool } from '../icewarp/tool.js';
import { FACTS } from '../icewarp/variables.js';
import { ensureFolder, folderAt } from '../platform/folders.js';
import type { FolderFacts } from '../platform/folders.js';
import { copyFolder, foreign, inspectFolder, takeAway } from './configuration-copy.js';
import type { CopyTarget, FolderState } from './configuration-copy.js';
import type { Context, Resource } from './resource.js';
import { stopForChange } from './restart-marker.js';

/** In the order in which they are copied: the configuration last, because its mark is what path.dat waits for. */
const PARTS = ['spam', 'calendar', 'config'] as const;
type Part = (typeof PARTS)[number];

/** The first node's configuration, antispam and GroupWare folders on the share, once (G20, G23; procedure, rules 1, 2). */
export interface SharedConfigurationDesired extends CopyTarget {
  readonly directory: string;
  readonly to: Readonly<Record<Part, string>>;
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
    const { directory, to } = desired;
    const observed = await observe(desired);
    if (observed === null) throw new RolloutError('NOT_INSTALLED', `there is no IceWarp in ${directory}`);
    if (observed.joined) return;
    const missing = PARTS.filter((part) => observed.parts[part].state !== 'ours');
    for (const part of missing) if (observed.parts[part].state === 'foreign') throw foreign(to[part]);
    if (missing.length === 0) return;
    const sources = await foldersInForce(directory, context);
    await stopForChange(directory, context);
    for (const part of missing) await copyFolder(sources[part], to[part], desired, context.signal);
  },

  async restore(desired, before, context) {
    const { directory, to } = desired;
    if (before?.joined === true) return [];
    if (await pointsAt(directory, to.config)) {
      throw new RolloutError('CHANGED_MEANWHILE', `path.dat in ${directory} still points at ${to.config}`);
    }
    const kept: string[] = [];
    for (const part of [...PARTS].reverse()) {
      if (before?.parts[part].state === 'ours') continue;
      kept.push(...(await takeAway(to[part], desired, context.signal)));
      const former = before?.parts[part].folder ?? null;
      if (former !== null && (await folderAt(plain(to[part]))) === null) await ensureFolder(plain(to[part]), former);
    }
    return kept;
  },
};

async function observe({
  directory,
  to,
  cluster,
}: SharedConfigurationDesired): Promise<SharedConfigurationObserved | null> {
  if (!(await isInstalled(directory))) return null;
  const look = async (part: Part): Promise<SharedConfigurationObserved['parts'][Part]> => ({
    state: await inspectFolder(to[part], cluster),
    folder: await folderAt(plain(to[part])),
  });
  const [spam, calendar, config] = await Promise.all([look('spam'), look('calendar'), look('config')]);
  return { joined: await pointsAt(directory, to.config), parts: { spam, calendar, config } };
}

/**
 * The folders that IceWarp uses now.
 *
 * @throws RolloutError CONFIG_EMPTY when they hold no settings: nothing may be made of an empty configuration.
 */
async function foldersInForce(directory: string, { signal }: Context): Promise<Readonly<Record<Part, string>>> {
  const tool = new Tool(directory, signal);
  const config = await tool.get(FACTS.configPath);
  if (!(await holdsSettings(config))) throw new RolloutError('CONFIG_EMPTY', `${config} holds no settings`);
  return { config, spam: await tool.get(FACTS.spamPath), calendar: await tool.get(FACTS.calendarPath) };
}

async function pointsAt(directory: string, config: string): Promise<boolean> {
  return plain(await sharedConfigurationOf(directory)) === plain(config);
}

function plain(folder: string): string {
  return folder.replace(/\/+$/, '');
}
