import type { Folder } from './folders.js';
import { join, type ByteName } from './names.js';
import type { PassContext } from './pass.js';
import type { Walked } from './walk.js';

/**
 * A second walk that is to find nothing: then the source was quiet (R7).
 *
 * @returns a path that changed since the first one; undefined when there is none.
 */
export async function findChange(
  { walkers, ledger, stopped, skipped }: PassContext,
  roots: readonly Folder[],
): Promise<ByteName | undefined> {
  const stack = roots.map(({ id, path }) => ({ folder: id, path }));
  let changed: ByteName | undefined;
  while (stack.length > 0 && changed === undefined && !stopped()) {
    const batch = stack.splice(Math.max(0, stack.length - walkers.capacity));
    const found = await Promise.all(batch.map((task) => walkers.walk({ ...task, known: true, proof: true })));
    for (const [index, walked] of found.entries()) {
      const path = batch[index]?.path ?? '';
      changed ??= changeIn(walked, path, (name) => skipped.has(join(path, name)));
      for (const { name } of walked.folders) {
        const row = ledger.folder(walked.folder, name);
        if (row !== null) stack.push({ folder: row.id, path: join(path, name) });
        else if (!skipped.has(join(path, name))) changed ??= join(path, name);
      }
    }
  }
  return changed;
}

function changeIn(walked: Walked, path: ByteName, isListed: (name: ByteName) => boolean): ByteName | undefined {
  const entries = [...walked.units, walked.linked, walked.perhapsMoved].flatMap((packed) =>
    packed.count === 0 ? [] : packed.names.split('/'),
  );
  const name = [...entries, ...walked.gone.map((gone) => gone.name), ...walked.goneFolders].find(
    (one) => !isListed(one),
  );
  return name === undefined ? walked.failed : join(path, name);
}
