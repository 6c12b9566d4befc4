import type { LoadedDataConverter } from '@temporalio/common';

import type { Amount } from '../../transfer/types.js';
import { valueOf, type History, type HistoryEvent } from '../history.js';

/** Something that took a while on one machine. Times are milliseconds since the epoch. */
export interface Span {
  /** In words, as the Web UI shows it. */
  readonly what: string;
  /** Type of the activity, such as `database.apply`. */
  readonly kind: string;
  /** `control`, `share` or `node-A`; with `.copy` for its copies. */
  readonly machine: string;
  readonly began: number;
  /** Null while it runs. */
  readonly ended: number | null;
  readonly how: 'done' | 'failed' | 'open';
}

/** One pass over one mail tree. */
export interface Pass extends Omit<Span, 'kind' | 'machine'> {
  /** What it copied; null where it was no copy, or has not ended. */
  readonly copied: Amount | null;
  readonly skipped: number;
}

/** What a run's history tells, in the order of its events. */
export interface Story {
  /** The product's version that started it. */
  readonly version: string | null;
  readonly spans: readonly Span[];
  readonly passes: readonly Pass[];
}

/** Reads a rollout's history. @param converter of a client, which has the keys of what is encrypted. */
export async function storyOf({ events }: History, converter: LoadedDataConverter): Promise<Story> {
  const spans = new Map<string, Span>();
  const passes = new Map<string, Pass>();
  let version: string | null = null;
  for (const event of events ?? []) {
    version ??= await versionOf(event, converter);
    await begin(event, spans, passes, converter);
    await end(event, spans, passes, converter);
  }
  return { version, spans: [...spans.values()], passes: [...passes.values()] };
}

async function begin(
  event: HistoryEvent,
  spans: Map<string, Span>,
  passes: Map<string, Pass>,
  converter: LoadedDataConverter,
): Promise<void> {
  const id = String(event.eventId);
  const began = timeOf(event);
  const activity = event.activityTaskScheduledEventAttributes;
  if (activity != null) {
    const kind = activity.activityType?.name ?? '';
    const what = await valueOf(converter, event.userMetadata?.summary);
    // icewarp-rollout.<cluster>.<machine>
    const machine = (activity.taskQueue?.name ?? '').split('.').slice(2).join('.');
    spans.set(id, { what: typeof what === 'string' ? what : kind, kind, machine, began, ended: null, how: 'open' });
  }
  const child = event.startChildWorkflowExecutionInitiatedEventAttributes;
  if (child != null) {
    const what = child.workflowId?.split('.').at(-1) ?? '';
    passes.set(id, { what, began, ended: null, how: 'open', copied: null, skipped: 0 });
  }
}

async function end(
  event: HistoryEvent,
  spans: Map<string, Span>,
  passes: Map<string, Pass>,
  converter: LoadedDataConverter,
): Promise<void> {
  const done = event.activityTaskCompletedEventAttributes;
  const failed =
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCanceledEventAttributes;
  const scheduled = String((done ?? failed)?.scheduledEventId);
  const span = spans.get(scheduled);
  const ended = timeOf(event);
  if (span !== undefined) spans.set(scheduled, { ...span, ended, how: done == null ? 'failed' : 'done' });
  const finished = event.childWorkflowExecutionCompletedEventAttributes;
  const broken =
    event.childWorkflowExecutionFailedEventAttributes ??
    event.childWorkflowExecutionCanceledEventAttributes ??
    event.childWorkflowExecutionTerminatedEventAttributes;
  const initiated = String((finished ?? broken)?.initiatedEventId);
  const pass = passes.get(initiated);
  if (pass === undefined) return;
  const { result } = ((await valueOf(converter, finished?.result?.payloads?.[0])) ?? {}) as {
    result?: { copied?: Amount; skipped?: number };
  };
  passes.set(initiated, {
    ...pass,
    ended,
    how: finished == null ? 'failed' : 'done',
    copied: result?.copied ?? null,
    skipped: result?.skipped ?? 0,
  });
}

async function versionOf(
  { workflowExecutionStartedEventAttributes: started }: HistoryEvent,
  converter: LoadedDataConverter,
): Promise<string | null> {
  const input = (await valueOf(converter, started?.input?.payloads?.[0])) as { version?: string } | undefined;
  return input?.version ?? null;
}

function timeOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1_000 + Math.floor((eventTime?.nanos ?? 0) / 1e6);
}
