import { defineQuery, defineUpdate } from '@temporalio/workflow';

import type { Machine } from '../cluster/names.js';
import type { Trouble } from './calls.js';
import type { Finding } from './preflight/finding.js';

/** Where one step stands. */
export type StepState =
  /** expected: seconds that it takes from its beginning, where they were measured. */
  | { readonly is: 'running'; readonly expected?: number }
  | { readonly is: 'done' | 'unchanged' | 'skipped' | 'stopped' }
  | { readonly is: 'waiting'; readonly since: number; readonly why: string }
  | ({
      readonly is: 'held';
      readonly since: number;
      readonly skippable: boolean;
      /** Findings that an operator may approve of, where that is what holds it. */
      readonly approvable?: readonly string[];
    } & Trouble);

export interface StepStatus {
  readonly id: string;
  readonly phase: string;
  readonly title: string;
  readonly machine: string;
  readonly state: StepState;
}

/** What puts one step back; kept by the workflow until it is undone. */
export interface Undo {
  readonly kind: string;
  readonly step: string;
  readonly title: string;
  readonly on: Machine;
  readonly desired: unknown;
  readonly before: unknown;
}

/** A finding that an operator has let the rollout go on with. */
export interface Approval {
  readonly finding: string;
  readonly by: string;
}

export type Direction = 'forward' | 'back';

/** The answer to the status query. */
export interface Status {
  readonly cluster: string;
  /** What was asked for: start or rollback. */
  readonly verb: string;
  /** Hash of the plan that was agreed to. */
  readonly plan?: string;
  readonly direction: Direction;
  readonly phase: string;
  readonly paused: boolean;
  readonly finished: boolean;
  readonly steps: readonly StepStatus[];
  /** What a rollback left in place, and why. */
  readonly kept: readonly string[];
  /** What the preflight found; not there when it found nothing. */
  readonly findings?: readonly Finding[];
  /** What of it was approved, and by whom. */
  readonly approved?: readonly Approval[];
  /** How many steps could be put back now. */
  readonly undoable: number;
}

/** What `describe()` still tells when no control worker runs: kept in the workflow's memo. */
export interface MemoStatus {
  readonly verb: string;
  readonly by: string;
  /** Hash of the plan that was agreed to. */
  readonly plan?: string;
  readonly direction: Direction;
  readonly phase: string;
  readonly done: number;
  readonly paused: boolean;
  /** Steps that are running or waiting, in words. */
  readonly now: readonly string[];
  readonly held: readonly HeldMemo[];
}

/** What the memo tells of a held step; the next move follows from the code. */
export interface HeldMemo extends Pick<Trouble, 'code' | 'why'> {
  readonly id: string;
  readonly skippable: boolean;
  readonly approvable?: readonly string[];
}

export type Verb = 'pause' | 'resume' | 'retry' | 'skip' | 'approve' | 'rollback';

/** An operator's command; `by` is recorded in history. */
export interface Command {
  readonly verb: Verb;
  readonly step?: string;
  /** For `approve`: the finding's id. */
  readonly finding?: string;
  readonly by: string;
}

export const statusQuery = defineQuery<Status>('status');
export const undoQuery = defineQuery<readonly Undo[]>('undo');
export const commandUpdate = defineUpdate<string, [Command]>('command');
