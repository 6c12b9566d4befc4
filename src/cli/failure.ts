import { CommanderError } from 'commander';

import { RolloutError } from '../cluster/errors.js';
import { explainHint } from './explain-hint.js';
import { EXIT } from './exit.js';

const USAGE_CODES = new Set([
  'CLUSTER_FILE',
  'USAGE',
  'PLAN_OTHER',
  'AGENT_CONFIG',
  'TEMPORAL_CONFIG',
  'TEMPORAL_PLAIN',
  'PAYLOAD_KEYS',
]);

/** Says what went wrong and what to do next. @returns the exit code. */
export function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) {
    // commander has written its own message already; help and version are not failures
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  if (error instanceof RolloutError) {
    process.stderr.write(`error: ${error.message}\n${error.next} (${error.code})\n${explainHint(error.code)}\n`);
    return USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed;
  }
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  return EXIT.failed;
}
