import { lstatSync, readdirSync } from 'node:fs';

import type { Copier } from './copier.js';
import { folderAt, noteFolder, type Folder } from './folders.js';
import { fromText, isOwn, join, toFs, under, type ByteName } from './names.js';
import type { PassContext } from './pass.js';
import { folderFacts } from './walk.js';

/** A folder at which a walk begins; `known`: the ledger can know something in it. */
export interface Root {
  readonly folder: Folder;
  readonly known: boolean;
}

/**
 * Where the walk of a pass begins: at the root, or at each of the subtrees that it is confined to; the folders above
 * those are made.
 *
 * @param folders is given the folders above and at the subtrees, by number.
 */
export function rootsOf(context: PassContext, copier: Copier, folders: Map<number, Folder>): Root[] {
  const { ledger, source, only } = context;
  const root = folderAt(ledger, null, '', folderFacts(lstatSync(toFs(under(source, '.')), { bigint: true })));
  if (root.row === null) {
    // a root that was used before holds names that are not ours to replace
    const taken = readdirSync(toFs(under(context.destination, '.')), 'latin1').filter((name) => !isOwn(name));
    if (taken.length > 0) root.taken = taken;
    noteFolder(ledger, root, { made: taken.length > 0 ? 'foreign' : 'own' });
    root.state = 'ready';
  }
  ledger.commit();
  if (only === undefined) return [{ folder: root, known: true }];
  // one that is new has no number by which it would be found again: several subtrees lie below the same folders
  const met = new Map<ByteName, Folder>();
  const folderOf = (above: Folder, name: ByteName, path: ByteName): Folder => {
    const facts = folderFacts(lstatSync(toFs(under(source, path)), { bigint: true }));
    const inner = folderAt(ledger, above, name, facts);
    const known = folders.get(inner.id);
    if (known !== undefined) return known;
    folders.set(inner.id, inner);
    copier.submit(inner, [], false);
    return inner;
  };
  return only.map((path) => {
    let folder = root;
    for (const name of fromText(path)
      .split('/')
      .filter((part) => part !== '' && part !== '.')) {
      const below = join(folder.path, name);
      const known = met.get(below) ?? folderOf(folder, name, below);
      met.set(below, known);
      folder = known;
    }
    return { folder, known: folder.row !== null };
  });
}
