import { folderInForce, type TreePlace } from './node-tree.js';
import type { Procedure } from './resource.js';

/** Where a tree is now: empty where IceWarp names no folder, null where it is not installed. */
export const treeInForce: Procedure<TreePlace, { readonly from: string } | null, 'node'> = {
  place: 'node',
  async run(place, { signal }) {
    const from = await folderInForce(place, signal);
    return from === null ? null : { from };
  },
};
