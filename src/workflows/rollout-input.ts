import type { ClusterFile } from '../cluster/schema.js';
import type { Stage } from '../cluster/stages.js';
import type { Undo } from './status.js';

export interface RolloutInput {
  readonly cluster: ClusterFile;
  /** Who started it. */
  readonly by: string;
  /** Version of the product that started it. */
  readonly version: string;
  /** Hash of the plan that was shown and agreed to. */
  readonly plan?: string;
  /** What to do with originals that an earlier rollout left: keep them as the way back, or give them up. */
  readonly waysBack?: 'adopt' | 'forget';
  /**
   * What an earlier rollout did and nobody has put back: stays undoable by this one with `adopt`. With `forget` it is
   * only kept here, for the case that this run is ended before it has given anything up.
   */
  readonly adopted?: readonly Undo[];
  /** Instead of going forward: put these back (rollback of a rollout that has ended). */
  readonly undo?: readonly Undo[];
  /** Only what came after that stage; everything without it. */
  readonly to?: Stage;
  /** Instead of going forward: end the time in which it can be put back. */
  readonly complete?: true;
}

export interface RolloutResult {
  readonly outcome: 'done' | 'rolled back' | 'completed';
  /** Steps that changed or proved something. */
  readonly done: number;
  readonly skipped: readonly string[];
  readonly kept: readonly string[];
  /** What `rollback` would put back now. */
  readonly undo: readonly Undo[];
}

/** What the run can put back when it begins. */
export function wayBackOf({ undo, waysBack, complete, adopted = [] }: RolloutInput): readonly Undo[] {
  if (complete === true) return [];
  return undo ?? (waysBack === 'forget' ? [] : adopted);
}

/** What was asked for. */
export function verbOf({ undo, complete }: RolloutInput): 'start' | 'rollback' | 'complete' {
  if (complete === true) return 'complete';
  return undo === undefined ? 'start' : 'rollback';
}
