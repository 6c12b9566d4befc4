import { defineQuery, defineUpdate } from '@temporalio/workflow';

import type { Limits } from '../transfer/types.js';

/** What a pass over a tree is at. Files and bytes are in the heartbeats of its pending activity. */
export interface TreeStatus {
  readonly tree: string;
  readonly pass: TreePass;
  readonly doing: 'greets the agent' | 'counts' | 'copies' | 'verifies' | 'reverses' | 'done';
  /** Shards that are done, and all of them; 0 when the tree is copied as a whole. */
  readonly shard: number;
  readonly shards: number;
  readonly paused: boolean;
}

/** seed: in shards, then the rest. delta, final: the whole tree. */
export type TreePass = 'seed' | 'delta' | 'final' | 'verify' | 'reverse';

/** An operator's command to a pass; `by` is recorded in history. */
export type TreeCommand = { readonly by: string } & (
  { readonly verb: 'pause' | 'resume' } | { readonly verb: 'limit'; readonly limits: Limits }
);

export const treeStatusQuery = defineQuery<TreeStatus>('treeStatus');
export const treeCommandUpdate = defineUpdate<string, [TreeCommand]>('treeCommand');
