import type { Machine } from '../cluster/names.js';
import type { Gate, Cutover } from '../cluster/schema.js';
import type { Stage, Stop } from '../cluster/stages.js';
import type { BackForecast } from './guide/forecast.js';
import type { SkippedList } from './status.js';

/** One stop of the services of a node that serves users (design, contract 6). */
export interface CutoverSpec extends Stop {
  readonly title: string;
  readonly guide: string;
  /** Whose services stop, and who holds the lease. */
  readonly node: Machine<'node'>;
  readonly directory: string;
  /** Seconds without news after which the node starts its old state alone. */
  readonly lease: Cutover['lease'];
  readonly gate: Gate;
}

/** What is known of a stop when everything for it has been prepared. */
export interface Readiness {
  /** Seconds that it is expected to take; null where nothing tells. */
  readonly forecast: number | null;
  /** What its way back is expected to take, once it is open. */
  readonly back: BackForecast;
  /** Items that would be left behind. */
  readonly skipped: readonly SkippedList[];
  /** Milliseconds since the epoch before which it does not begin by itself. */
  readonly earliest?: number;
}

/** The parts of a stop, in order. */
export interface CutoverParts {
  /** With the services up. Done again whenever the stop went back. */
  readonly ready: () => Promise<Readiness>;
  /** With the services still up, when the gate has opened: what has changed since. */
  readonly justBefore?: () => Promise<void>;
  /** From the closing of the ports to the probes: before its end everything can go back without losing anything. */
  readonly closed: () => Promise<void>;
  /** Users are let in: from here on only an operator goes back. */
  readonly open: () => Promise<void>;
}

/** The step under which a stop is shown. */
export function cutoverStep(stage: Stage): string {
  return `cutover/${stage}`;
}
