import type { Amount, PassResult } from '../../transfer/types.js';

/** What passes over a tree have measured, oldest first, and what a final one reads again besides. */
export interface TreeMeasured {
  readonly passes: readonly Pick<PassResult, 'seconds' | 'seen' | 'copied'>[];
  /** Files that are written over in place (procedure, rule 6). */
  readonly rewritten: Amount;
}

/** How fast a node works on the share. */
export interface ShareRates {
  readonly filesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** Files that a step counts per second, one after the other; how often it does so around a final pass. */
const COUNTED_PER_SECOND = 15_000;
const COUNTS = 2;
/** Reading again, per second: files that are opened, bytes of a disk that is in use. */
const OPENED_PER_SECOND = 2_000;
const READ_PER_SECOND = 100_000_000;
/** Round trips of a new file on the share, where a look at one that is there costs one. */
const TRIPS = 8;
/** Rows per second that the ledger of a way back is made of. */
const ROWS_PER_SECOND = 100_000;

/**
 * Seconds that the final pass over a tree will take, services stopped: as long as the latest pass, since as much will
 * have changed, its second walk, the counting around it, and what is read again whatever its times say. Pure.
 *
 * @returns null as long as no pass has ended.
 */
export function finalPassSeconds({ passes, rewritten }: TreeMeasured): number | null {
  const latest = passes.at(-1);
  if (latest === undefined) return null;
  const { files } = latest.seen;
  const counts = (COUNTS * files) / COUNTED_PER_SECOND;
  const again = rewritten.files / OPENED_PER_SECOND + rewritten.bytes / READ_PER_SECOND;
  return Math.ceil(latest.seconds + walkSeconds(passes, files) + counts + again);
}

/**
 * Seconds that the way back of a tree will take: the share is walked by the pass and by the comparison after it, what
 * changed is copied, the old tree is walked once more, and what is written over in place is read on both sides. Pure.
 *
 * @param changed - what users have changed on the share since the final pass.
 * @returns null as long as no pass has ended.
 */
export function reversePassSeconds(measured: TreeMeasured, changed: Amount, share: ShareRates): number | null {
  const { passes, rewritten } = measured;
  const latest = passes.at(-1);
  if (latest === undefined) return null;
  const { files } = latest.seen;
  const looks = (2 * files) / (share.filesPerSecond * TRIPS);
  const copies = changed.files / share.filesPerSecond + changed.bytes / share.bytesPerSecond;
  const again = (2 * rewritten.files) / share.filesPerSecond + (2 * rewritten.bytes) / share.bytesPerSecond;
  return Math.ceil(files / ROWS_PER_SECOND + looks + copies + again + walkSeconds(passes, files));
}

/** What users change within it is the upper end of what a way back is expected to take. */
const DAY = 86_400;
const NOTHING: Amount = { files: 0, bytes: 0 };

/** Seconds of a part of a way back: at once, and after a day on the new side; null where nothing was measured. */
export interface BackPart {
  readonly what: string;
  readonly least: number | null;
  readonly most: number | null;
}

/**
 * What bringing a tree back is expected to take, from what its passes have measured. Pure.
 *
 * @param apart - seconds between the beginnings of the latest two passes; null: the pace of changes is not known.
 */
export function treeBack(
  what: string,
  measured: TreeMeasured,
  share: ShareRates | null,
  apart: number | null,
): BackPart {
  const latest = measured.passes.at(-1);
  if (share === null || latest === undefined) return { what, least: null, most: null };
  const most = apart === null ? null : reversePassSeconds(measured, changesIn(DAY, latest, apart), share);
  return { what, least: reversePassSeconds(measured, NOTHING, share), most };
}

/** Parts together, which come one after the other. Pure. */
export function backOf(parts: readonly BackPart[]): BackForecast {
  const sum = (seconds: readonly (number | null)[]): number | null =>
    seconds.every((one) => one !== null) ? seconds.reduce<number>((all, one) => all + one, 0) : null;
  const least = sum(parts.map((part) => part.least));
  const most = sum(parts.map((part) => part.most));
  return { least, most, parts: parts.filter((part) => part.least !== 0 || part.most !== 0) };
}

/** What the way back of a stop is expected to take, and what that is made of. */
export interface BackForecast extends Omit<BackPart, 'what'> {
  readonly parts: readonly BackPart[];
}

/**
 * What has changed in some seconds at the pace of the latest pass. Pure.
 *
 * @param apart - seconds between the beginnings of the latest pass and of the one before it.
 */
export function changesIn(seconds: number, { copied }: Pick<PassResult, 'copied'>, apart: number): Amount {
  const times = seconds / Math.max(1, apart);
  return { files: Math.ceil(copied.files * times), bytes: Math.ceil(copied.bytes * times) };
}

/** Walking alone: the pass with the least to copy comes closest to it. */
function walkSeconds(passes: TreeMeasured['passes'], files: number): number {
  const perFile = passes.filter(({ seen }) => seen.files > 0).map(({ seconds, seen }) => seconds / seen.files);
  return perFile.length === 0 ? 0 : Math.min(...perFile) * files;
}
