import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

import type { PassResult, Skipped, SkipReason } from './types.js';

/** How many items were skipped for a reason, and the first of them. */
export interface SkippedCount {
  readonly count: number;
  readonly example: string;
}

export type SkippedSummary = Readonly<Partial<Record<SkipReason, SkippedCount>>>;

/** What a pass skipped, by reason: its list may have millions of lines. */
export async function summarize({ skippedFile }: Pick<PassResult, 'skippedFile'>): Promise<SkippedSummary> {
  const summary: Partial<Record<SkipReason, { count: number; example: string }>> = {};
  if (skippedFile === undefined) return summary;
  for await (const line of createInterface({ input: createReadStream(skippedFile) })) {
    const { reason, path } = JSON.parse(line) as Skipped;
    const known = (summary[reason] ??= { count: 0, example: path });
    known.count += 1;
  }
  return summary;
}
