import type { History } from './history.js';

/** Where a run can go on: at the end of a workflow task of its history. */
export interface ResetPoint {
  /** The event that Temporal is told to reset to: its id, and its place among all. */
  readonly eventId: number;
  readonly index: number;
  /** When it was, in milliseconds since 1970. */
  readonly at: number;
  /** Events from there on, which the run gives up. */
  readonly givenUp: number;
}

/**
 * The latest point of a history up to which workflow code can follow it; undefined where it can follow all of it. Code that
 * cannot follow a beginning cannot follow what begins with it: so halving finds the point with a few replays.
 *
 * @param replays Tells whether the code follows a history.
 */
export async function resetPoint(
  history: History,
  replays: (history: History) => Promise<boolean>,
): Promise<ResetPoint | undefined> {
  if (await replays(history)) return undefined;
  const events = history.events ?? [];
  const ends = events.flatMap((event, at) => (event.workflowTaskCompletedEventAttributes == null ? [] : [at]));
  // before the end of its first task a run has done nothing that code could differ from
  let [good, bad] = [0, ends.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (await replays({ events: events.slice(0, ends[middle]) })) good = middle;
    else bad = middle;
  }
  const at = ends[good] ?? 0;
  const event = events[at];
  return {
    eventId: Number(event?.eventId ?? 0),
    index: at,
    at: Number(event?.eventTime?.seconds ?? 0) * 1_000,
    givenUp: events.length - at,
  };
}
