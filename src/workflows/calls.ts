import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';

import { ERRORS, type ErrorCode } from '../cluster/errors.js';
import type { Machine } from '../cluster/names.js';

type Untyped = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** A short step finds a running agent at once; without one it waits visibly instead of hanging. */
const SCHEDULE_TO_START = '10s';
/** How often a short step is tried before it is held. */
const ATTEMPTS = 5;

export interface CallOptions {
  /** Wait for an agent that is away, however long. */
  readonly patient?: boolean;
  /** How often it is tried. */
  readonly attempts?: number;
}

/**
 * Runs one activity on one machine. Retries follow the error's code; attempts end so that the step is held and says
 * so. Only a patient call waits for an agent that is away.
 */
export function call(
  on: Machine,
  activity: string,
  summary: string,
  args: readonly unknown[],
  { patient = false, attempts = ATTEMPTS }: CallOptions = {},
): Promise<unknown> {
  const activities = proxyActivities<Untyped>({
    taskQueue: on.queue,
    summary: `${on.name}: ${summary}`.slice(0, 120),
    // only what changes the world may take long; a look that hangs is told
    startToCloseTimeout: /\.(apply|restore)$/.test(activity) ? '6h' : '15m',
    heartbeatTimeout: '15s',
    ...(patient ? {} : { scheduleToStartTimeout: SCHEDULE_TO_START }),
    retry: {
      initialInterval: '1s',
      backoffCoefficient: 2,
      maximumInterval: '10s',
      ...(patient ? {} : { maximumAttempts: attempts }),
    },
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  });
  const run = activities[activity];
  if (run === undefined) throw new TypeError(`no activity ${activity}`);
  return run(...args);
}

/** Whether an activity failed because nobody polls its machine's queue. */
export function agentIsAway(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === 'SCHEDULE_TO_START'
  );
}

/** What an operator reads about a failure. */
export interface Trouble {
  readonly code: string;
  readonly why: string;
  readonly next: string;
}

/** A failure of the workflow itself, in the words of an activity's. */
export function failure(code: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [{ next: ERRORS[code].next }] });
}

/** The words of a failed activity or child, whatever layer it failed in. */
export function troubleOf(error: unknown): Trouble {
  let root = error;
  while (root instanceof ActivityFailure || root instanceof ChildWorkflowFailure) root = root.cause;
  if (root instanceof ApplicationFailure && root.type != null && Object.hasOwn(ERRORS, root.type)) {
    return { code: root.type, why: root.message, next: ERRORS[root.type as ErrorCode].next };
  }
  if (root instanceof TimeoutFailure) {
    return {
      code: 'AGENT_LOST',
      why:
        root.timeoutType === 'HEARTBEAT'
          ? 'the agent went silent in the middle of the step, several times'
          : 'the step took too long',
      next: ERRORS.AGENT_LOST.next,
    };
  }
  return { code: 'UNEXPECTED', why: root instanceof Error ? root.message : String(root), next: ERRORS.UNEXPECTED.next };
}
