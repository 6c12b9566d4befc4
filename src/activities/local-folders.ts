import { diffFolders, ensureFolders, observeFolders, restoreFolders } from './folder-set.js';
import type { FolderSet, Owner } from './folder-set.js';
import type { Resource } from './resource.js';

export interface LocalFoldersDesired extends Owner {
  /** Absolute paths on the node's own disk; parents that are missing belong to root. */
  readonly folders: readonly string[];
}

/** Temp, Logs and queues on each node's own disk (G3, procedure, rule 3). */
export const localFolders: Resource<LocalFoldersDesired, FolderSet, 'node'> = {
  place: 'node',
  observe: ({ folders }) => observeFolders(folders),
  diff: (desired, observed) => (observed === null ? [] : diffFolders(observed, desired)),
  apply: (desired) => ensureFolders(desired.folders, desired),
  restore: async (desired, before) => (before === null ? [] : restoreFolders(before, desired)),
};
