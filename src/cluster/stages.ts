import type { Cutover, Gate } from './schema.js';

/** The parts of a move that are verified one by one, and to which a rollback can lead (procedure, Order 2). */
export const STAGES = ['databases', 'storage', 'configuration'] as const;
export type Stage = (typeof STAGES)[number];

/** One stop of the services, and all that happens in it. */
export interface Stop {
  /** The last of its stages names it. */
  readonly stage: Stage;
  readonly moves: readonly Stage[];
  /** Seconds that users may be without the server. */
  readonly budget: number;
  readonly gate: Gate;
}

/** Which stages each stop moves. */
const STOPS: Readonly<Record<Cutover['stages'], readonly (readonly Stage[])[]>> = {
  three: [['databases'], ['storage'], ['configuration']],
  two: [['databases'], ['storage', 'configuration']],
  one: [['databases', 'storage', 'configuration']],
};

/** The stops of a move, in order. Where one moves several stages, budget and gate are those of `storage`. */
export function stopsOf(cutover: Cutover): readonly Stop[] {
  return STOPS[cutover.stages].map((moves) => {
    const stage = moves.at(-1) ?? 'configuration';
    const { budget, gate } = cutover[moves.length === 1 ? stage : 'storage'];
    return { stage, moves, budget, gate };
  });
}
