/** Milliseconds by which the clocks of machines may differ (procedure, rule 5). */
export const CLOCK_TOLERANCE = 1_000;

/** How far one clock is ahead of another, and how much of that may be the way there. Milliseconds. */
export interface Lead {
  readonly ahead: number;
  readonly unsure: number;
}

/** How far apart two clocks certainly are, in words such as "1.4 s ahead of"; null where it may be a second. Pure. */
export function apart({ ahead, unsure }: Lead): string | null {
  if (Math.abs(ahead) - unsure <= CLOCK_TOLERANCE) return null;
  return `${(Math.abs(ahead) / 1_000).toFixed(1)} s ${ahead > 0 ? 'ahead of' : 'behind'}`;
}
