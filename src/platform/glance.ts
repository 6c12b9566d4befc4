import { lstat, readdir } from 'node:fs/promises';

import { below, namesIn, present, shown, type WalkOptions } from './tree.js';

/** What is looked at: of every folder, its own times; of the files in those that changed last, theirs. */
const LOOKS = { folders: 200, files: 20_000 };
/** Questions to the file system at a time. */
const ASIDE = 16;

/** Path, as latin1 → what changes when something is done to it. */
export type Glance = ReadonlyMap<string, string>;

/**
 * A look at a tree that does not cost a walk over its files: at every folder, whose times change when something in it
 * comes, goes or gets another name, and at the files in the {@link LOOKS} folders that changed last, because who writes
 * into files in place does so where mail came in. The rest is for a pass over the tree, which reads every file's times.
 */
export async function glanceAt(root: Buffer, options: WalkOptions): Promise<Glance> {
  const folders: { readonly path: Buffer; readonly changed: bigint }[] = [];
  const glance = new Map<string, string>();
  const see = async (path: Buffer): Promise<bigint | null> => {
    const stats = await present(lstat(path, { bigint: true }));
    if (stats === null) return null;
    glance.set(path.toString('latin1'), `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`);
    return stats.ctimeNs;
  };
  const enter = async (path: Buffer): Promise<readonly Buffer[]> => {
    const changed = await see(path);
    if (changed === null) return [];
    folders.push({ path, changed });
    const entries = (await present(readdir(path, { withFileTypes: true, encoding: 'buffer' }))) ?? [];
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => below(path, name));
  };
  for (let level: readonly Buffer[] = [root]; level.length > 0;) level = (await inGroups(level, options, enter)).flat();
  folders.sort((one, other) => (one.changed > other.changed ? -1 : 1));
  let left = LOOKS.files;
  for (const { path } of folders.slice(0, LOOKS.folders)) {
    const names = (await namesIn(path)).slice(0, left);
    left -= names.length;
    await inGroups(names, options, (name) => see(below(path, name)));
  }
  return glance;
}

/** What has changed since, or is gone; names for people, at most so many. What is new shows by its folder. */
export async function changedSince(glance: Glance, options: WalkOptions, most: number): Promise<readonly string[]> {
  const changed: string[] = [];
  await inGroups([...glance], options, async ([path, before]) => {
    const stats = await present(lstat(Buffer.from(path, 'latin1'), { bigint: true }));
    const now = stats === null ? '' : `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`;
    if (now !== before) changed.push(path);
  });
  return changed.slice(0, most).map((path) => shown(Buffer.from(path, 'latin1')));
}

async function inGroups<T, R>(
  items: readonly T[],
  { signal }: WalkOptions,
  each: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  for (let index = 0; index < items.length; index += ASIDE) {
    signal.throwIfAborted();
    results.push(...(await Promise.all(items.slice(index, index + ASIDE).map(each))));
  }
  return results;
}
