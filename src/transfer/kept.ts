import type { BigIntStats } from 'node:fs';

import type { Sequence } from './io.js';
import { FileType, type FileRow } from './row.js';
import type { Rules, SourceFacts } from './work.js';

/**
 * Owner, mode and times, as far as the destination holds them.
 *
 * @param all also those that a file just created has already.
 */
export function* attributes(
  rules: Rules,
  target: number,
  facts: Pick<SourceFacts, 'mode' | 'uid' | 'gid' | 'atime' | 'mtime'>,
  all: boolean,
): Sequence<void> {
  const { uid, gid } = rules.owner ?? facts;
  const owned = !all && rules.createdAs.uid === uid && rules.createdAs.gid === gid;
  if (rules.owners && !owned) yield { op: 'fchown', fd: target, uid, gid };
  // creation does not give all bits, and a change of owner takes the special ones away
  const bits = facts.mode & 0o7777;
  if (rules.modes && (all || (bits & ~rules.createdMode) !== 0)) yield { op: 'fchmod', fd: target, mode: bits };
  yield {
    op: 'futimes',
    fd: target,
    times: { atime: clamp(facts.atime, rules), mtime: clamp(facts.mtime, rules) },
  };
}

/** The nearest time that the destination holds. */
export function clamp(time: bigint, { earliest, latest }: Pick<Rules, 'earliest' | 'latest'>): bigint {
  return time < earliest ? earliest : time > latest ? latest : time;
}

/** Whether what is at the destination is what a row says that we left there (R4). */
export function asWeLeftIt(there: BigIntStats, row: FileRow, rules: Rules): boolean {
  if (row.type === FileType.link) return there.isSymbolicLink();
  if (!there.isFile() || there.size !== row.size) return false;
  const distance = there.mtimeNs - clamp(row.mtime, rules);
  return (distance < 0n ? -distance : distance) <= rules.granularity;
}
