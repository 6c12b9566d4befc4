import { withoutSlash } from '../cluster/names.js';

/** Folders below the mail folder in which messages wait for delivery (B2): copied, they would be sent twice (rule 3). */
export const QUEUES = ['_outgoing', '_incoming'] as const;

/** What the name of a queue's folder gets once its messages have moved: no service looks there, and no copy does. */
export const MOVED_QUEUE = '.icewarp-rollout-moved-';

/** Databases below the mail folder: a copy that is made while somebody writes is none (rule 6). */
const DATABASES = ['*.db', '*.db-wal', '*.db-shm', '*.db-journal'];

/** Files that are written over in place, often in equal length: times alone do not tell (rule 6). */
const WRITTEN_OVER = ['imapindex.*', 'flags*.dat', ...DATABASES];

/** How the names of all begin that the product lays into a tree itself, such as marks: no part of the tree. */
const OWN = '.icewarp-rollout-';

/** Folder for what a way back replaces or removes; it lies in the old tree only where there is no room beside it. */
export const QUARANTINE = `${OWN}quarantine`;

/** The trees that a node brings to the share: mail, its archives, and what calendars have attached (procedure, rule 7). */
export const TREES = ['mail', 'archive', 'calendar'] as const;
export type TreeName = (typeof TREES)[number];

/** A tree as the copy engine is given it. */
export interface MailTree {
  readonly name: TreeName;
  readonly source: string;
  readonly destination: string;
  readonly exclude: readonly string[];
  readonly rehash: readonly string[];
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * The mail, the archives or the calendar folder of a node, on their way to the share (G15, G16; procedure, rule 7).
 *
 * @param use live: services run, databases are left for later. quiet: they are stopped.
 */
export function mailTree(
  what: TreeName,
  source: string,
  destination: string,
  use: 'live' | 'quiet',
  owner?: MailTree['owner'],
): MailTree {
  const queues = what === 'mail' ? QUEUES.flatMap((name) => [`/${name}`, `/${name}${MOVED_QUEUE}*`]) : [];
  const leftOut = [...queues, `/${OWN}*`];
  return {
    name: what,
    source: withoutSlash(source),
    destination: withoutSlash(destination),
    exclude: use === 'live' ? [...leftOut, ...DATABASES] : leftOut,
    rehash: WRITTEN_OVER,
    ...(owner === undefined ? {} : { owner }),
  };
}
