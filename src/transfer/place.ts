import type { Sequence } from './io.js';
import type { ByteName } from './names.js';
import type { Outcome, Part, Rules } from './work.js';

/** Where and how one executor works in one folder. */
export interface Place {
  /** The source folder. */
  readonly source: ByteName;
  /** The destination folder, pinned: a path through its descriptor (R12). */
  readonly target: string;
  /** Written under final names, in a folder that is renamed as a whole. */
  readonly staged: boolean;
  /** Files made in it need not be of the group that others get. */
  readonly handsDown: boolean;
  readonly rules: Rules;
  /** Of the running pass; kept in rows. */
  readonly generation: number;
  readonly buffer: Buffer;
  /** Nanoseconds since the epoch, now. */
  readonly clock: () => bigint;
  /** A new temporary name. */
  readonly temp: () => ByteName;
  readonly part?: (name: ByteName) => Part | undefined;
  /** A part has become durable. */
  readonly onPart?: (name: ByteName, part: Part) => void;
  /** On the way back nothing is refused: what would be replaced is kept first (R24). */
  readonly keep?: (name: ByteName) => Sequence<void>;
}

/** Thrown inside a sequence to end the work on one entry with an outcome. */
export class Ended extends Error {
  constructor(readonly outcome: Outcome) {
    super(outcome.is);
  }
}

export function changed(detail: string): Outcome {
  return { is: 'skipped', reason: 'CHANGED', detail };
}
