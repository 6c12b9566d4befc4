import { clamp } from './kept.js';
import { readRow, type Identity } from './row.js';
import type { FolderFacts, Rules, SourceFacts } from './work.js';

/**
 * How exactly a share keeps what was copied to it. On the way back, what it does not keep says nothing of a change, and
 * must not be given to the old tree (R8, R24).
 */
export interface Kept extends Pick<Rules, 'granularity' | 'earliest' | 'latest'> {
  readonly owners: boolean;
  readonly modes: boolean;
}

/** Whether a file on the share is what a pass left there. */
export function isAsCopied(row: Buffer, { size, mtime }: Identity, share: Kept): boolean {
  const known = readRow(row);
  return known.size === size && isNear(mtime, known.mtime, share);
}

/**
 * What the old tree is to get of a file on the share: owner and mode from what the old tree had, where the share does
 * not keep them; a new file's are those of its folder.
 */
export function fileBack(
  facts: SourceFacts,
  row: Buffer | undefined,
  folder: FolderFacts | undefined,
  { owners, modes }: Kept,
): SourceFacts {
  const former = row === undefined ? undefined : readRow(row);
  const owner = former ?? folder;
  const bits = former?.mode ?? (folder === undefined ? undefined : folder.mode & 0o666);
  return {
    ...facts,
    ...(owners || owner === undefined ? {} : { uid: owner.uid, gid: owner.gid }),
    ...(modes || bits === undefined ? {} : { mode: (facts.mode & ~0o7777) | bits }),
  };
}

/** The same of a folder. @param like what it was in the old tree, or, of a new one, its parent there. */
export function folderBack(
  facts: FolderFacts,
  like: FolderFacts | undefined,
  isNew: boolean,
  share: Kept,
): FolderFacts {
  if (like === undefined) return facts;
  return {
    ...facts,
    ...(share.owners ? {} : { uid: like.uid, gid: like.gid }),
    ...(share.modes ? {} : { mode: like.mode }),
    ...(isNew || !isNear(facts.mtime, like.mtime, share) ? {} : { mtime: like.mtime }),
  };
}

function isNear(there: bigint, here: bigint, share: Kept): boolean {
  const distance = there - clamp(here, share);
  return (distance < 0n ? -distance : distance) <= share.granularity;
}
