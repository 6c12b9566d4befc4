import {
  ApplicationFailure,
  WorkflowFailedError,
  type Client,
  type WorkflowExecutionDescription,
} from '@temporalio/client';

import { ERRORS, type ErrorCode } from '../cluster/errors.js';
import type { ClusterFile } from '../cluster/schema.js';
import type { RolloutResult } from '../workflows/rollout-input.js';
import type { Status } from '../workflows/status.js';
import { explainHint } from './explain-hint.js';
import { EXIT } from './exit.js';
import { within } from './connect.js';
import { rolloutHandle } from './workflows.js';

/** How a run ended, as the server alone can tell it. */
export interface Ended {
  /** The server's word: COMPLETED, FAILED, CANCELLED, TERMINATED … */
  readonly state: string;
  /** Of a completed run. */
  readonly result?: RolloutResult;
  /** Of a failed run. */
  readonly failure?: { readonly code: ErrorCode; readonly why: string; readonly next: string };
}

/** Reads how a run ended; undefined while it runs. Needs no worker. */
export async function endOf(
  client: Client,
  cluster: ClusterFile,
  { runId, status: { name: state } }: WorkflowExecutionDescription,
  until?: number,
): Promise<Ended | undefined> {
  if (state === 'RUNNING') return undefined;
  try {
    return { state, result: await within(client, () => rolloutHandle(client, cluster, runId).result(), until) };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    if (!(cause instanceof ApplicationFailure)) return { state };
    const code = cause.type != null && cause.type in ERRORS ? (cause.type as ErrorCode) : 'UNEXPECTED';
    return { state, failure: { code, why: cause.message, next: ERRORS[code].next } };
  }
}

/** The end for programs: what counts, without the way back itself. */
export function endFacts({ state, result, failure }: Ended): object {
  if (result === undefined) return { state, ...(failure === undefined ? {} : { failure }) };
  const { undo, ...facts } = result;
  return { state, ...facts, undoable: undo.length };
}

/** The exit code of a run that has ended. */
export function exitCodeOf({ state, result }: Ended): number {
  if (state !== 'COMPLETED') return EXIT.failed;
  return result !== undefined && result.kept.length + result.skipped.length > 0 ? EXIT.differences : EXIT.done;
}

/** How a run ended, for people, with everything that it left in place or out. */
export function endedText({ state, result, failure }: Ended, status: Status | undefined, file: string): string {
  const kept = result?.kept ?? status?.kept ?? [];
  return [
    headline({ state, ...(result === undefined ? {} : { result }) }, file),
    ...(failure === undefined
      ? []
      : [`  ${failure.why} (${failure.code})`, `  ${failure.next}`, `  ${explainHint(failure.code)}`]),
    ...(result?.skipped ?? []).map((id) => `  left out: ${id}`),
    ...kept.map((line) => `  left in place: ${line}`),
  ].join('\n');
}

function headline({ state, result }: Ended, file: string): string {
  if (result !== undefined) {
    return `${result.outcome === 'done' ? 'finished' : result.outcome}: ${result.done} steps done`;
  }
  if (state === 'CANCELLED') return 'rolled back, because it was cancelled from outside';
  return `ended as ${state.toLowerCase()}; what it did can be put back with: icewarp-rollout rollback ${file}`;
}
