import type { ClusterFile } from '../../cluster/schema.js';
import { finding, type Finding } from './finding.js';

/** Milliseconds after which a backup is old. */
const DAY = 24 * 3_600_000;
/** Milliseconds by which the clock of whoever wrote the file may be ahead. */
const AHEAD = 10 * 60_000;

/**
 * Whether backups of what is there already are named, and new (procedure, order 2, step 1). Pure.
 *
 * @param holding nodes or databases that hold something, in words; none: there is nothing to lose.
 * @param now milliseconds since the epoch.
 */
export function judgeBackups({ backups = [] }: ClusterFile, holding: readonly string[], now: number): Finding[] {
  if (holding.length === 0) return [];
  if (backups.length === 0) {
    const is = `the cluster file names no backup, and there is something to lose: ${holding.slice(0, 6).join(', ')}`;
    return [finding('backupUnnamed', 'cluster', is)];
  }
  const newest = new Map<string, number>();
  for (const { what, taken } of backups) {
    if (taken !== undefined) newest.set(what, Math.max(newest.get(what) ?? -Infinity, Date.parse(taken)));
  }
  return [...newest].flatMap(([what, taken]) => {
    const at = new Date(taken).toISOString();
    if (taken > now + AHEAD)
      return [finding('backupOld', 'cluster', `the backup of ${what} is of ${at}, still to come`, what)];
    const old = `the newest backup of ${what} is of ${at}, more than a day ago`;
    return now - taken > DAY ? [finding('backupOld', 'cluster', old, what)] : [];
  });
}
