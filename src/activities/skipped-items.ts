import type { TreeName } from '../icewarp/mail-tree.js';
import { present } from '../platform/tree.js';
import { digestOf } from '../transfer/skipped-summary.js';
import { skippedFileOf } from './copy-shard.js';
import { missedIn } from './copy-whole.js';
import type { Procedure } from './resource.js';

/** Items that were skipped for one reason. */
export interface SkippedReason {
  readonly count: number;
  /** Domain and mailbox of the first of them, and where it is. */
  readonly mailbox: string;
  readonly example: string;
}

/** What the latest pass over a tree has skipped: under 2 kB. */
export interface SkippedItems {
  /** What an approval of exactly this list names. */
  readonly hash: string;
  readonly count: number;
  /** Items that will be missing on the share: only they need an approval. */
  readonly missing: number;
  readonly reasons: Readonly<Record<string, SkippedReason>>;
  /** The whole list, on this node. */
  readonly file: string;
}

/** Characters of a path that are shown: the file has all of it. */
const SHOWN = 60;

/** Reads the list of what the latest pass over a tree has skipped; null where it skipped nothing. */
export const skippedItems: Procedure<{ readonly what: TreeName }, SkippedItems | null, 'node'> = {
  place: 'node',
  async run({ what }, { agent }) {
    const file = skippedFileOf(what, agent.config.stateDir);
    const digest = await present(digestOf(file));
    if (digest === null) return null;
    const { hash, count, reasons } = digest;
    const missing = Object.values(missedIn(reasons)).reduce((sum, reason) => sum + reason.count, 0);
    const told = Object.entries(reasons).map(([reason, { count: items, example }]) => {
      const mailbox = example.split('/').slice(0, 2).join('/');
      return [reason, { count: items, mailbox: cut(mailbox), example: cut(example) }] as const;
    });
    return { hash, count, missing, reasons: Object.fromEntries(told), file };
  },
};

/** The end of a path tells most. */
function cut(path: string): string {
  return path.length <= SHOWN ? path : `…${path.slice(1 - SHOWN)}`;
}
