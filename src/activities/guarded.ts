import { activityInfo, ApplicationFailure, cancellationSignal, heartbeat } from '@temporalio/activity';

import { RolloutError } from '../cluster/errors.js';
import type { Agent } from './agent.js';

/** Milliseconds between heartbeats: it bounds how late a cancellation is noticed (temporal.md, fact 3). */
const PULSE = 2_000;

/**
 * The one wrapper around every activity: it keeps the heartbeat going and lets only our own words through. A foreign
 * error carries command lines, SQL and passwords; it goes, redacted, to the local log.
 *
 * @param beat what each heartbeat carries.
 */
export async function guarded<T>(
  agent: Agent,
  run: () => Promise<T>,
  beat: () => unknown = () => undefined,
): Promise<T> {
  const pulse = setInterval(() => heartbeat(beat()), PULSE);
  try {
    return await run();
  } catch (error) {
    // a process that could not be ended may write once more: that is no clean stop
    if (!(error instanceof RolloutError && error.code === 'SHARE_HANGS')) cancellationSignal().throwIfAborted();
    const { activityType, attempt } = activityInfo();
    agent.log('activity failed', { activityType, attempt, error });
    throw toFailure(agent, error);
  } finally {
    clearInterval(pulse);
  }
}

/** Why a file system takes no change, by the system's name for it: what an operator can mend outside of the product. */
const WRITE_REFUSED: ReadonlyMap<string | undefined, string> = new Map([
  ['EROFS', 'it is read-only'],
  ['ENOSPC', 'there is no room left'],
  ['EDQUOT', 'the quota is used up'],
  ['EIO', 'it reports an error'],
  ['ESTALE', 'what was open on the share is gone'],
]);

/** An error of ours as it is; what a file system refuses in words of ours; any other without its words. */
export function inOurWords(error: unknown): RolloutError {
  if (error instanceof RolloutError) return error;
  const { code, path = 'a file' } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  const why = WRITE_REFUSED.get(code);
  if (why !== undefined) return new RolloutError('WRITE_REFUSED', `${path} cannot be written: ${why} (${code})`);
  return new RolloutError('UNEXPECTED', 'an unexpected error');
}

/** An error as it may enter history: our own words, or none. */
function toFailure(agent: Agent, error: unknown): ApplicationFailure {
  const own = inOurWords(error);
  const failure = ApplicationFailure.create({
    type: own.code,
    message: agent.secrets.redact(own.message),
    nonRetryable: !own.retryable,
    details: [{ next: own.next }],
  });
  // The stack names files of this machine and, in its first line, the message again.
  failure.stack = '';
  return failure;
}
