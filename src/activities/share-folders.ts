import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { SENTINEL } from '../cluster/names.js';
import { writeFileAtomic } from '../platform/atomic-file.js';
import { readSentinel, sentinelText } from '../platform/sentinel.js';
import { diffFolders, ensureFolders, observeFolders, restoreFolders } from './folder-set.js';
import type { FolderSet, Owner } from './folder-set.js';
import type { Change, Resource } from './resource.js';

export interface ShareFoldersDesired extends Owner {
  /** The folder that is shared. */
  readonly root: string;
  /** Folders in `root`/share (G7). */
  readonly folders: readonly string[];
  /** Name of the owner, for the operator. */
  readonly user: string;
  /** Cluster that the sentinel names. */
  readonly cluster: string;
}

export interface ShareFoldersObserved extends FolderSet {
  /** The cluster that owns the folder by its sentinel. */
  readonly cluster: string | null;
}

/** The folders that all nodes use, and the sentinel that tells the real share from an empty mount point (G7, B8). */
export const shareFolders: Resource<ShareFoldersDesired, ShareFoldersObserved, 'share'> = {
  place: 'share',

  observe: async (desired, { signal }) => ({
    ...(await observeFolders(pathsOf(desired))),
    cluster: await readSentinel(desired.root, signal),
  }),

  diff: (desired, observed) => {
    if (observed === null) return [];
    const { cluster } = observed;
    const sentinel: Change[] =
      cluster === desired.cluster
        ? []
        : [{ what: 'owner of the share', before: cluster ?? 'nobody', after: `cluster ${desired.cluster}` }];
    return [...diffFolders(observed, desired), ...sentinel];
  },

  apply: async (desired, { signal }) => {
    const { root, cluster } = desired;
    const owner = await readSentinel(root, signal);
    if (owner !== null && owner !== cluster) throw foreign(root, owner, cluster);
    await ensureFolders(pathsOf(desired), desired);
    if (owner === null) await writeFileAtomic(join(root, SENTINEL), sentinelText(cluster), { mode: 0o644 });
  },

  restore: async (desired, before, { signal }) => {
    if (before === null) return [];
    const { cluster } = desired;
    const root = resolve(desired.root);
    const owner = await readSentinel(root, signal);
    if (owner !== null && owner !== cluster) {
      throw new RolloutError('CHANGED_MEANWHILE', `${root} belongs to the cluster ${owner} now, not to ${cluster}`);
    }
    const inner = { folders: withoutRoot(before, root), parents: [] };
    const kept = await restoreFolders(inner, desired);
    // The root goes last: its sentinel marks the share as ours for as long as anything of it is left.
    if (kept.length > 0) return kept;
    if (before.cluster === null) await rm(join(root, SENTINEL), { force: true });
    return restoreFolders({ folders: { [root]: before.folders[root] ?? null }, parents: before.parents }, desired);
  },
};

const pathsOf = ({ root, folders }: ShareFoldersDesired): string[] => [
  root,
  join(root, 'share'),
  ...folders.map((folder) => join(root, 'share', folder)),
];

function withoutRoot({ folders }: FolderSet, root: string): Record<string, string | null> {
  return Object.fromEntries(Object.entries(folders).filter(([path]) => path !== root));
}

function foreign(root: string, owner: string, cluster: string): RolloutError {
  return new RolloutError('SHARE_FOREIGN', `${root} belongs to the cluster ${owner}, expected ${cluster} or nobody`);
}
