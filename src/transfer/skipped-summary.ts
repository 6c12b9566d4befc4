import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

import { ListHash } from './skipped.js';
import type { PassResult, SkipReason } from './types.js';

/** How many items were skipped for a reason, and the first of them. */
export interface SkippedCount {
  readonly count: number;
  readonly example: string;
}

export type SkippedSummary = Readonly<Partial<Record<SkipReason, SkippedCount>>>;

/** A whole list of skipped items in a few words. */
export interface SkippedDigest {
  /** What an approval of the list names. */
  readonly hash: string;
  readonly count: number;
  readonly reasons: SkippedSummary;
}

/** What a pass skipped, by reason: its list may have millions of lines. */
export async function summarize({ skippedFile }: Pick<PassResult, 'skippedFile'>): Promise<SkippedSummary> {
  return skippedFile === undefined ? {} : (await digestOf(skippedFile)).reasons;
}

/** Reads a list of skipped items. */
export async function digestOf(skippedFile: string): Promise<SkippedDigest> {
  const reasons: Partial<Record<SkipReason, { count: number; example: string }>> = {};
  const hash = new ListHash();
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(skippedFile) })) {
    const { reason, path } = hash.add(line);
    count += 1;
    const known = (reasons[reason] ??= { count: 0, example: path });
    known.count += 1;
  }
  return { hash: hash.digest(), count, reasons };
}
