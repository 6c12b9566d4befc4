/** Seconds since a moment of `Date.now()`, in tenths: enough for whoever waited. */
export function secondsSince(start: number): number {
  return Math.round((Date.now() - start) / 100) / 10;
}
