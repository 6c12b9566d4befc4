import { secondsSince } from './elapsed.js';
import { letArrive, queuesInForce } from './queues.js';
import type { Procedure } from './resource.js';

export interface IncomingEmptiesInput {
  readonly directory: string;
  /** Seconds after which what is left moves with its queue. */
  readonly limit: number;
}

export interface IncomingEmptied {
  /** Messages that still wait. */
  readonly left: number;
  readonly seconds: number;
}

/** Waits, with the ports closed and the services up, until what has come in is delivered (procedure, rule 3). */
export const incomingEmpties: Procedure<IncomingEmptiesInput, IncomingEmptied, 'node'> = {
  place: 'node',
  async run({ directory, limit }, { signal }) {
    const start = Date.now();
    const { incoming } = await queuesInForce(directory, signal);
    const left = await letArrive(directory, incoming, limit * 1_000, signal);
    return { left, seconds: secondsSince(start) };
  },
};
