import { setTimeout as sleep } from 'node:timers/promises';

import { WorkflowUpdateRPCTimeoutOrCancelledError, type Client } from '@temporalio/client';

import { RolloutError } from '../cluster/errors.js';
import { DEADLINE, grpcErrorOf, within } from './connect.js';

/** Milliseconds that a command waits for a control worker: the queue of one that was killed answers for up to 10 s. */
export const PATIENCE = 30_000;
/** Milliseconds of silence after which a command says that it still waits. */
const SILENCE = 5_000;
/** Milliseconds between tries. */
const PAUSE = 300;

/** gRPC: nobody answered in time, or the call was given up. */
const LATE = new Set([1, 4]);
/** gRPC: among others the server's word for a queue that nobody polls, and for a worker that could not read the workflow. */
const PRECONDITION = 9;
const NOBODY = /poller|workflow task (?:in failed state|failure)/i;

interface Patience {
  /** Milliseconds that one try may take. */
  readonly each?: number;
  /** What is said when the patience is at an end. */
  readonly otherwise: string;
}

/**
 * Repeats a call that only a control worker can answer until it does; says on standard error that it still waits. The
 * call must be one that may be repeated.
 *
 * @throws RolloutError NO_CONTROL_WORKER after {@link PATIENCE}; whatever else the call throws, at once.
 */
export async function patiently<T>(
  client: Client,
  call: () => Promise<T>,
  { each = DEADLINE, otherwise }: Patience,
): Promise<T> {
  const until = Date.now() + PATIENCE;
  return sayingThatItWaits(async () => {
    for (;;) {
      try {
        return await within(client, call, Date.now() + Math.min(each, Math.max(PAUSE, until - Date.now())));
      } catch (error) {
        if (!isUnanswered(error)) throw error;
        if (Date.now() >= until) throw new RolloutError('NO_CONTROL_WORKER', otherwise, { cause: error });
        await sleep(PAUSE);
      }
    }
  });
}

/** Runs work that a control worker has to answer; after a while it says on standard error what it waits for. */
export async function sayingThatItWaits<T>(work: () => Promise<T>): Promise<T> {
  const word = setTimeout(() => {
    process.stderr.write(
      `still waiting for the control worker, up to ${PATIENCE / 1000} s; if it does not run: icewarp-rollout worker --control\n`,
    );
  }, SILENCE);
  try {
    return await work();
  } finally {
    clearTimeout(word);
  }
}

function isUnanswered(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  const grpc = grpcErrorOf(error);
  if (grpc === undefined) return false;
  return LATE.has(grpc.code) || (grpc.code === (PRECONDITION as number) && NOBODY.test(grpc.details));
}
