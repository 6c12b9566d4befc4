/** What a file system still takes; `files` is null where it has no such limit, or does not tell it. */
export interface Room {
  readonly bytes: number;
  readonly files: number | null;
}

const GIGA = 1_000_000_000;
/** Below that an installation or the queues of a small server do not fit. */
export const LITTLE = { bytes: GIGA, files: 10_000 };
/** Below that a busy day may not fit. */
export const TIGHT = { bytes: 10 * GIGA, files: 100_000 };

export function isBelow(left: Room, limit: typeof LITTLE): boolean {
  return left.bytes < limit.bytes || (left.files !== null && left.files < limit.files);
}

/** What is left, in words. */
export function amountOf({ bytes, files }: Room): string {
  return `${(bytes / GIGA).toFixed(1)} GB${files === null ? '' : ` and ${files} files`}`;
}
