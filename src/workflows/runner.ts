import type { Procedures, Resources } from '../activities/registry.js';
import type { DesiredOf, InputOf, ObservedOf, OutputOf } from '../activities/resource.js';
import type { Machine } from '../cluster/names.js';
import type { Stage } from '../cluster/stages.js';
import type { PassResult, VerifyResult } from '../transfer/types.js';
import type { ClockReading } from './clock-reading.js';
import type { CutoverParts, CutoverSpec } from './cutover.js';
import type { MigrateTreeInput } from './migrate-tree.js';
import type { Finding } from './preflight/finding.js';

export type Kind = keyof Resources;
export type Action = keyof Procedures;

/** What the guide says about a step besides what it does. */
export interface About {
  /** What the step does, for the operator. */
  readonly title: string;
  /** Requirements that it fulfils, such as "G4 G5". */
  readonly guide: string;
  /** Tells steps of one kind on one machine apart. */
  readonly label?: string;
  /** Whether the operator may skip it without risking mail. */
  readonly skippable?: boolean;
  /** A proof that users would notice: left out of `verify`. */
  readonly disturbs?: boolean;
  /** In a plan, a rule about what steps of this kind leave behind: it is judged only where none of them would act. */
  readonly after?: Kind;
  /** Seconds that it will take, where they were measured; null where they will be, before it begins. */
  readonly expected?: number | null;
  /** It only copies: before a stop is open, going back leaves the copy where it is, and takes no time for it. */
  readonly copies?: boolean;
}

/** A step on several machines needs a name of its own. */
export type TogetherAbout = About & { readonly label: string };

/** One procedure on one machine. */
export type Part<A extends Action> = {
  [K in A]: {
    readonly action: K;
    readonly on: Machine<Procedures[K]['place']>;
    readonly input: InputOf<Procedures[K]>;
  };
}[A];

/**
 * One guide, two runners (design, contract 3): the order of the rollout is written once, as a function that takes a
 * runner. The planner's only checks; the rollout's acts.
 */
export interface Runner {
  /** Whether what the steps change is still to come: what is looked at is then the world before them. */
  readonly plans: boolean;
  /** A group of steps, as the operator reads it. */
  phase(title: string): void;
  /**
   * One resource on one machine.
   *
   * @param desired a function where it depends on what an operator approves of while the step is held.
   * @param prepare what the rollout does before `apply`, once its undo is registered: long work that disturbs nobody.
   * @returns whether something changes, or would.
   */
  step<K extends Kind>(
    kind: K,
    on: Machine<Resources[K]['place']>,
    desired: DesiredOf<Resources[K]> | (() => DesiredOf<Resources[K]>),
    about: About,
    prepare?: (before: ObservedOf<Resources[K]>) => Promise<void>,
  ): Promise<boolean>;
  /** A procedure that acts or proves. The planner names it, and answers null; the rollout runs it. */
  act<A extends Action>(
    action: A,
    on: Machine<Procedures[A]['place']>,
    input: InputOf<Procedures[A]>,
    about: About,
  ): Promise<OutputOf<Procedures[A]> | null>;
  /**
   * Procedures that need one another at the same time, as one step: tried again, and held, together.
   *
   * @param begin makes the inputs of one try.
   * @returns their outputs in that order; null where the plan has not run them.
   */
  together<A extends Action>(
    about: TogetherAbout,
    begin: () => readonly Part<A>[],
  ): Promise<readonly (OutputOf<Procedures[A]> | null)[]>;
  /** Read-only procedures that need one another at the same time: as {@link together}, but both runners run them. */
  lookTogether<A extends Action>(
    about: TogetherAbout,
    begin: () => readonly Part<A>[],
  ): Promise<readonly (OutputOf<Procedures[A]> | null)[]>;
  /** A read-only procedure that both runners run; null where it cannot be known yet. */
  look<A extends Action>(
    action: A,
    on: Machine<Procedures[A]['place']>,
    input: InputOf<Procedures[A]>,
    about: About,
  ): Promise<OutputOf<Procedures[A]> | null>;
  /** A machine's clock, with the doubt about it; null where it cannot be read. */
  clock(on: Machine): Promise<ClockReading | null>;
  /** A rule between observations: words for what is wrong, or null. The rollout is held until `judge` finds nothing. */
  rule(about: About, judge: () => Promise<string | null>): Promise<void>;
  /**
   * What a look at the machines finds in the way, before anything is changed. The planner tells it; the rollout is held
   * until nothing that stops it is found any more, or an operator has approved of all that is.
   */
  findings(about: TogetherAbout, look: () => Promise<readonly Finding[]>): Promise<void>;
  /** Whether a step would change something, before it is its turn. */
  wouldChange<K extends Kind>(
    kind: K,
    on: Machine<Resources[K]['place']>,
    desired: DesiredOf<Resources[K]>,
    about: About,
  ): Promise<boolean>;
  /** One pass over a tree, as a child of the rollout; null where it is only planned. Held when it does not end well. */
  pass(
    input: MigrateTreeInput,
    on: Machine<'node'>,
    about: About & { readonly label: string },
  ): Promise<PassResult | VerifyResult | null>;
  /** Hashes of the lists of skipped items that an operator has approved. */
  readonly approvedSkipped: readonly string[];
  /** A stop of the services, with a gate before it, a deadline, and a way back by itself until it is open (contract 6). */
  cutover(spec: CutoverSpec, parts: CutoverParts): Promise<void>;
  /** Whether a stop of the services is under way, or planned. */
  readonly stopping: boolean;
  /** Right before the first setting that makes what is written go to the new place: the node acts alone no more. */
  switched(): Promise<void>;
  /** Stages that are found to be done, or have been opened: what comes after them can be put back without them. */
  verified(stages: readonly Stage[]): void;
  /** Independent branches side by side; waits for all, so that no undo starts beside a running step. */
  each<T>(items: readonly T[], branch: (item: T) => Promise<void>): Promise<void>;
}

/** The id of a step: stable across releases, because the vault is named by it. */
export function stepId(kind: string, on: Machine, about: About): string {
  return `${on.name}/${kind}${about.label === undefined ? '' : `:${about.label}`}`;
}

/** Runs branches side by side and throws the first error only when all have ended. */
export async function inParallel<T>(items: readonly T[], branch: (item: T) => Promise<void>): Promise<void> {
  const settled = await Promise.allSettled(items.map(branch));
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
