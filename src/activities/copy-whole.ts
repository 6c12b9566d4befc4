import { RolloutError } from '../cluster/errors.js';
import { summarize, type SkippedSummary } from '../transfer/skipped-summary.js';
import type { PassResult, SkipReason } from '../transfer/types.js';
import { copyShard, type TreeContext } from './copy-shard.js';
import type { CopyTreeInput } from './tree.js';

/** Skipped, and yet nothing of the mail is missing at the destination. */
const HARMLESS: readonly SkipReason[] = ['ODD_TYPE', 'TIME_RANGE'];

/** Why items of a list are missing at the destination: what somebody has to approve of. */
export function missedIn(skipped: SkippedSummary): SkippedSummary {
  return Object.fromEntries(Object.entries(skipped).filter(([reason]) => !HARMLESS.includes(reason as SkipReason)));
}

/** Reasons with their counts, in words. */
export function skippedWords(skipped: SkippedSummary): string {
  return Object.entries(skipped)
    .map(([reason, { count, example }]) => `${reason} ${count}, such as ${example}`)
    .join('; ');
}

/**
 * A pass over the whole tree after which nothing may be missing at the destination.
 *
 * @param approved - hashes of lists: what a list of one of them names may be missing. Absent: nobody is asked.
 * @throws RolloutError SOURCE_NOT_QUIET; COPY_INCOMPLETE; SKIPPED_UNAPPROVED instead where somebody is asked;
 * CHANGED_MEANWHILE when the destination holds something else in the place of a copy; as {@link copyShard} does.
 */
export async function copyWhole(
  input: Omit<CopyTreeInput, 'shard'>,
  context: TreeContext,
  approved?: readonly string[],
): Promise<PassResult> {
  const result = await copyShard(input, context);
  const { outcome, why = '', skippedFile = '', skippedHash = '' } = result;
  if (outcome === 'busy') throw new RolloutError('SOURCE_NOT_QUIET', why);
  if (outcome === 'held') throw new RolloutError('COPY_INCOMPLETE', `${why}; ${skippedFile}`);
  const missed = missedIn(await summarize(result));
  const skipped = Object.keys(missed);
  if (skipped.length === 0 || approved?.includes(skippedHash) === true) return result;
  const list = skippedWords(missed);
  if (approved !== undefined) {
    throw new RolloutError(
      'SKIPPED_UNAPPROVED',
      `not all of ${input.tree.source} can be moved, and nobody has approved of list ${skippedHash} with ` +
        `${result.skipped} items: ${list}; all are listed in ${skippedFile}`,
    );
  }
  const isOthers = skipped.every((reason) => reason === 'FOREIGN' || reason === 'DEST_CHANGED');
  throw new RolloutError(
    isOthers ? 'CHANGED_MEANWHILE' : 'COPY_INCOMPLETE',
    `not all of ${input.tree.source} is in ${input.tree.destination}: ${list}; all are listed in ${skippedFile}`,
  );
}
