/** Exit codes: part of the command line's contract, the same for every command. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** Wrong usage or a wrong cluster file. */
  usage: 2,
  /** Finished with skipped items or differences. */
  differences: 3,
  /** Held, or queued because no control worker is there: waits for an operator. */
  held: 4,
} as const;
