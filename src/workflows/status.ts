import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';

import type { Machine } from '../cluster/names.js';
import type { Stage } from '../cluster/stages.js';
import type { Limits } from '../transfer/types.js';
import type { Trouble } from './calls.js';
import type { BackForecast } from './guide/forecast.js';
import type { Finding } from './preflight/finding.js';

/** Where one step stands. */
export type StepState =
  /** expected: seconds that it takes from its beginning, where they were measured. */
  | { readonly is: 'running'; readonly expected?: number }
  | { readonly is: 'done' | 'unchanged' | 'skipped' | 'stopped' }
  | { readonly is: 'waiting'; readonly since: number; readonly why: string }
  | GateState
  | ({
      readonly is: 'held';
      readonly since: number;
      readonly skippable: boolean;
      /** Findings that an operator may approve of, where that is what holds it. */
      readonly approvable?: readonly string[];
    } & Trouble);

/** Before a stop of the services: it waits for an operator, or for a time. */
export interface GateState {
  readonly is: 'gate';
  readonly since: number;
  readonly stage: Stage;
  /** Why it does not begin yet, in words. */
  readonly why: string;
  /** Whether it begins by itself, at that time (milliseconds since the epoch) or as soon as it can; null: it does not. */
  readonly at: number | null;
  /** Seconds that the stop is expected to take; null where nothing tells. */
  readonly forecast: number | null;
  /** Seconds that it may take. */
  readonly budget: number;
  /** Lists of items that are left behind and that nobody has approved. */
  readonly skipped: readonly SkippedList[];
}

/** Items of one tree that cannot be carried over; the list itself lies on the node. */
export interface SkippedList {
  readonly what: string;
  readonly hash: string;
  readonly count: number;
}

/** One stop of the services: what it may take and what it took. */
export interface CutoverStatus {
  readonly stage: Stage;
  readonly budget: number;
  readonly forecast: number | null;
  /** What its way back is expected to take once it is open; not there before that was measured. */
  readonly back?: BackForecast;
  /** before: users work. closed: they do not, since `began`. open: what moved is in use. */
  readonly state: 'before' | 'closed' | 'open';
  readonly began?: number;
  /** When it goes back by itself. */
  readonly deadline?: number;
  /** Seconds that users were without the server. */
  readonly seconds?: number;
  /** Stops that went back, and why. */
  readonly wentBack: readonly { readonly seconds: number; readonly why: string }[];
}

/** Something that an operator did. */
export interface Act {
  readonly at: number;
  readonly by: string;
  readonly what: string;
}

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
  /** The latest stage that was verified when this was done: a rollback to that stage puts it back. */
  readonly since?: Stage;
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
  /** Stops of the services; not there without `cutover` in the cluster file. */
  readonly cutovers?: readonly CutoverStatus[];
  /** What operators did, the latest last. */
  readonly acts?: readonly Act[];
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

export type Verb =
  'pause' | 'resume' | 'retry' | 'skip' | 'approve' | 'reject' | 'rollback' | 'limits' | 'cutover' | 'complete';

/** An operator's command; `by` is recorded in history. */
export interface Command {
  readonly verb: Verb;
  readonly step?: string;
  /** For `approve`: the finding's id. */
  readonly finding?: string;
  /** For `approve`: the hash of a list of skipped items. Without it and without a finding: the stop that waits. */
  readonly skipped?: string;
  /** For `reject`: why. */
  readonly why?: string;
  /** For `limits`. */
  readonly limits?: Limits;
  /** For `cutover`: begin, begin at that time (milliseconds since the epoch), or do not begin, or go back before it is open. */
  readonly when?: 'now' | 'cancel' | number;
  /** For `rollback`: the stage whose verified state is wanted; `start`: everything. */
  readonly to?: Stage | 'start';
  readonly by: string;
}

export const statusQuery = defineQuery<Status>('status');
export const undoQuery = defineQuery<readonly Undo[]>('undo');
/**
 * What was done in events that the run is about to give up, in that order: sent before it is reset, so that the server gives it
 * to what goes on, whatever becomes of the sender.
 */
export const adoptSignal = defineSignal<[readonly Undo[]]>('adopt');
export const commandUpdate = defineUpdate<string, [Command]>('command');
