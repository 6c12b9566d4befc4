import { resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { ensureFolder, folderAt, missingParents, removeEmptyFolder } from '../platform/folders.js';
import type { FolderFacts } from '../platform/folders.js';
import type { Change } from './resource.js';

/** Name of the files with which nodes prove a share to each other, before the token (procedure, rule 17). */
export const PROOF_PREFIX = '.icewarp-rollout-proof-';

/** Folders of the mail server's user, as they are: path → `uid:gid mode`, null when missing. */
export interface FolderSet {
  readonly folders: Readonly<Record<string, string | null>>;
  /** Missing folders above them, which root will own. */
  readonly parents: readonly string[];
}

/** Who shall own the folders. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Rights of the mail server's own folders. */
export const OWN_MODE = '750';

export async function observeFolders(paths: readonly string[]): Promise<FolderSet> {
  const entries = paths.map((path) => resolve(path));
  const folders: Record<string, string | null> = {};
  for (const path of entries) folders[path] = printed(await folderAt(path));
  return { folders, parents: await missingParents(entries) };
}

export function diffFolders({ folders }: FolderSet, owner: Owner): readonly Change[] {
  const after = printed({ ...owner, mode: OWN_MODE });
  return Object.entries(folders).flatMap(([path, before]) =>
    before === after ? [] : [{ what: `folder ${path}`, before: before ?? 'absent', after }],
  );
}

/** Makes the folders, outermost first; never touches what is in them. */
export async function ensureFolders(paths: readonly string[], owner: Owner): Promise<void> {
  for (const path of paths.map((one) => resolve(one)).sort()) await ensureFolder(path, { ...owner, mode: OWN_MODE });
}

/**
 * Removes the folders that were missing, innermost first, as far as they hold nothing of anybody; gives the others
 * their former owner and rights.
 *
 * @returns a sentence per folder that had to stay.
 */
export async function restoreFolders(before: FolderSet, owner: Owner): Promise<readonly string[]> {
  const ours = printed({ ...owner, mode: OWN_MODE });
  const kept: string[] = [];
  for (const [path, former] of Object.entries(before.folders).sort().reverse()) {
    const now = printed(await folderAt(path));
    if (now === null || now === former) continue;
    if (former === null) {
      const gone = await removeEmptyFolder(path, (name) => name.startsWith(PROOF_PREFIX));
      if (!gone) kept.push(`${path} stays: it holds files`);
    } else if (now === ours) {
      await ensureFolder(path, parsed(former));
    } else {
      throw new RolloutError('CHANGED_MEANWHILE', `${path} is ${now}, neither ${ours} nor ${former} as before`);
    }
  }
  for (const path of [...before.parents].sort().reverse()) {
    if (!(await removeEmptyFolder(path)) && kept.length === 0) kept.push(`${path} stays: it holds files`);
  }
  return kept;
}

function printed(facts: FolderFacts): string;
function printed(facts: FolderFacts | null): string | null;
function printed(facts: FolderFacts | null): string | null {
  return facts === null ? null : `${facts.uid}:${facts.gid} ${facts.mode}`;
}

function parsed(text: string): FolderFacts {
  const [uid, gid, mode = OWN_MODE] = text.split(/[: ]/);
  return { uid: Number(uid), gid: Number(gid), mode };
}
