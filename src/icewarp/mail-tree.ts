import { withoutSlash } from '../cluster/names.js';

/** Folders below the mail folder in which messages wait for delivery (B2): copied, they would be sent twice (rule 3). */
export const QUEUES = ['_outgoing', '_incoming'] as const;

/** What the name of a queue's folder gets once its messages have moved: no service looks there, and no copy does. */
export const MOVED_QUEUE = '.icewarp-rollout-moved-';

/** Databases below the mail folder: a copy that is made while somebody writes is none (rule 6). */
const DATABASES = ['*.db', '*.db-wal', '*.db-shm', '*.db-journal'];

/** Files that are written over in place, often in equal length: times alone do not tell (rule 6). */
const WRITTEN_OVER = ['imapindex.*', 'flags*.dat', ...DATABASES];

/** A tree as the copy engine is given it. */
export interface MailTree {
  readonly name: 'mail' | 'archive';
  readonly source: string;
  readonly destination: string;
  readonly exclude: readonly string[];
  readonly rehash: readonly string[];
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * The mail or the archives of a node, on their way to the share (G15, G16).
 *
 * @param use live: services run, databases are left for later. quiet: they are stopped.
 */
export function mailTree(
  what: MailTree['name'],
  source: string,
  destination: string,
  use: 'live' | 'quiet',
  owner?: MailTree['owner'],
): MailTree {
  const queues = what === 'mail' ? QUEUES.flatMap((name) => [`/${name}`, `/${name}${MOVED_QUEUE}*`]) : [];
  return {
    name: what,
    source: withoutSlash(source),
    destination: withoutSlash(destination),
    exclude: use === 'live' ? [...queues, ...DATABASES] : queues,
    rehash: WRITTEN_OVER,
    ...(owner === undefined ? {} : { owner }),
  };
}
