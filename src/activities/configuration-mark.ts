import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { syncDirectory, writeFileAtomic } from '../platform/atomic-file.js';
import type { FileAttributes } from '../platform/atomic-file.js';

/** Name of the file that says whose configuration was copied into a shared folder (procedure, rule 1). */
export const MARK = '.icewarp-rollout-configuration';

export interface ConfigurationMark {
  readonly cluster: string;
  /** The node whose configuration it was. */
  readonly node: string;
  /** Hash of the tree as it was copied, without this file. */
  readonly hash: string;
}

/** The mark in a folder; null where there is none. @throws RolloutError CONFIG_FOREIGN when it cannot be understood. */
export async function readMark(folder: string): Promise<ConfigurationMark | null> {
  let text: string;
  try {
    text = await readFile(join(folder, MARK), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
  try {
    return JSON.parse(text) as ConfigurationMark;
  } catch (error) {
    throw new RolloutError('CONFIG_FOREIGN', `the mark in ${folder} cannot be understood`, { cause: error });
  }
}

export async function writeMark(
  folder: string,
  { cluster, node, hash }: ConfigurationMark,
  owner: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const attributes: FileAttributes = { mode: 0o640, uid: owner.uid, gid: owner.gid };
  await writeFileAtomic(join(folder, MARK), `${JSON.stringify({ cluster, node, hash })}\n`, attributes);
}

/** Without its mark a folder counts as somebody else's. */
export async function removeMark(folder: string): Promise<void> {
  await rm(join(folder, MARK), { force: true });
  await syncDirectory(folder);
}
