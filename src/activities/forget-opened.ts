import type { Stage } from '../cluster/stages.js';
import { noteOpened } from './opened.js';
import type { Procedure } from './resource.js';

/** Stages that have been put back are in use no more: noted on the node that moved. */
export const forgetOpened: Procedure<{ readonly stages: readonly Stage[] }, { readonly forgotten: number }, 'node'> = {
  place: 'node',
  async run({ stages }, { agent }) {
    for (const stage of stages) await noteOpened(agent, stage, false);
    return { forgotten: stages.length };
  },
};
