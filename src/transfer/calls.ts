import type { Sequence } from './io.js';

/** Lets an error of cleaning up not hide the one that made it necessary. */
export function* quietly(sequence: Sequence<void>): Sequence<void> {
  try {
    yield* sequence;
  } catch {
    // the first error is the one that counts
  }
}
