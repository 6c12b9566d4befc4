import { lstatSync, readdirSync } from 'node:fs';

import type { Copier } from './copier.js';
import { folderAt, noteFolder, type Folder } from './folders.js';
import { fromText, isOwn, join, toFs, under } from './names.js';
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
  return only.map((path) => {
    let folder = root;
    for (const name of fromText(path)
      .split('/')
      .filter((part) => part !== '' && part !== '.')) {
      const facts = folderFacts(lstatSync(toFs(under(source, join(folder.path, name))), { bigint: true }));
      const inner = folderAt(ledger, folder, name, facts);
      const known = folders.get(inner.id) ?? inner;
      folders.set(inner.id, known);
      if (known === inner) copier.submit(inner, [], false);
      folder = known;
    }
    return { folder, known: folder.row !== null };
  });
}
