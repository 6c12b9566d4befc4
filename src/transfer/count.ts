import { opendir, lstat } from 'node:fs/promises';

import { isOwn, join, toFs, under, type ByteName } from './names.js';
import { compile } from './patterns.js';
import type { Amount } from './types.js';
import type { WorkerSetup } from './worker.js';

/** Counts files and bytes of a source, beside the copying and slower than it could. @throws the signal's reason. */
export async function countTree(
  { source, exclude }: Pick<WorkerSetup, 'source' | 'exclude'>,
  signal: AbortSignal,
): Promise<Amount> {
  const excluded = compile(exclude);
  const stack: ByteName[] = [''];
  let [files, bytes] = [0, 0];
  for (let path = stack.pop(); path !== undefined; path = stack.pop()) {
    signal.throwIfAborted();
    const root = under(source, path);
    try {
      for await (const { name } of await opendir(toFs(root), { encoding: 'latin1' as 'utf8' })) {
        const below = join(path, name);
        if (isOwn(name) || excluded(below)) continue;
        const stats = await lstat(toFs(`${root}/${name}`));
        if (stats.isDirectory()) stack.push(below);
        else if (stats.isFile() || stats.isSymbolicLink()) {
          files += 1;
          bytes += stats.size;
        }
      }
    } catch {
      // gone meanwhile, or not for us to read: the walk tells
    }
  }
  return { files, bytes };
}
