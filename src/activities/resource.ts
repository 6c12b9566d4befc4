import type { Place } from '../cluster/names.js';
import type { Agent, VaultSlot } from './agent.js';
import type { Direction } from './turnstile.js';

/** One difference between what is and what shall be, in words for the plan. Never holds a secret. */
export interface Change {
  readonly what: string;
  readonly before: string;
  readonly after: string;
  /**
   * Which of both words move by themselves between two looks, such as an amount of mail that grows while users work. A
   * saved plan does not hold to them.
   */
  readonly volatile?: readonly ('before' | 'after')[];
}

/** What `check` answers and history records before anything changes. */
export interface Check<Observed = unknown> {
  readonly before: Observed | null;
  readonly changes: readonly Change[];
}

/** What a resource may use besides its desired state. */
export interface Context {
  /** Aborted on cancellation: whatever runs then stops within a second. */
  readonly signal: AbortSignal;
  /** This process: its secrets, its state folder, its platform. */
  readonly agent: Agent;
  /** Where this step keeps the original bytes of what it changes. */
  readonly vault: VaultSlot;
}

/**
 * One thing on ONE machine that has a desired state (design, contract 1). From this contract come plan, apply, verify,
 * resume, drift check and rollback.
 */
export interface Resource<Desired, Observed, P extends Place = Place> {
  readonly place: P;
  /** What is there now: under 2 kB, never a secret; null = cannot exist yet. An outage throws. */
  observe(desired: Desired, context: Context): Promise<Observed | null>;
  /** What `apply` would change; empty means nothing. Pure. */
  diff(desired: Desired, observed: Observed | null): readonly Change[];
  /** Looks again itself, keeps the original in the vault, changes only what differs. May be killed anywhere and run again. */
  apply(desired: Desired, context: Context): Promise<void>;
  /**
   * Puts back what `before` says, acting only where the world is as we left it or as it was before.
   * @returns what it left in place, and why.
   * @throws RolloutError CHANGED_MEANWHILE where the world is neither.
   */
  restore(desired: Desired, before: Observed | null, context: Context): Promise<readonly string[]>;
}

/** What moves data or time, or proves something: an action without a desired state (design, contract 2). */
export interface Procedure<Input, Output, P extends Place = Place> {
  readonly place: P;
  /**
   * It stops, starts or changes what the node serves. On the way forward it is refused once the agent has put the old
   * state back by itself; on the way back it waits while the agent does. Left out: it only looks or proves.
   */
  readonly changes?: Direction;
  /** May be killed anywhere and run again. The output is small and holds no secret. */
  run(input: Input, context: Context): Promise<Output>;
}

export type DesiredOf<R> = R extends Resource<infer Desired, infer _Observed> ? Desired : never;
export type ObservedOf<R> = R extends Resource<infer _Desired, infer Observed> ? Observed : never;
export type InputOf<R> = R extends Procedure<infer Input, infer _Output> ? Input : never;
export type OutputOf<R> = R extends Procedure<infer _Input, infer Output> ? Output : never;
