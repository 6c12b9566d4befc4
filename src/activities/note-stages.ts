import type { Stage } from '../cluster/stages.js';
import { noteOpened } from './opened.js';
import type { Procedure } from './resource.js';

/** Notes on the node which stages are in use: before it opens, and when they have been put back. */
export const noteStages: Procedure<
  { readonly stages: readonly Stage[]; readonly open: boolean },
  { readonly noted: number },
  'node'
> = {
  place: 'node',
  async run({ stages, open }, { agent }) {
    for (const stage of stages) await noteOpened(agent, stage, open);
    return { noted: stages.length };
  },
};
