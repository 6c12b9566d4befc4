import { setTimeout as sleep } from 'node:timers/promises';

import { Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';

/** One call of a rollout or of its children, as history tells it. */
export interface Call {
  /** The step's id; of a child workflow what its id adds to the rollout's. */
  readonly step: string;
  readonly activity: string;
  readonly machine: string;
}

/** Something of a call: that it is to begin, or that it has ended. Times are milliseconds since the epoch. */
export type Happening = Call & {
  readonly is: 'scheduled' | 'over';
  readonly at: number;
  /** Milliseconds that it took, once it is over. */
  readonly took?: number;
};

type Page = Awaited<ReturnType<Connection['workflowService']['getWorkflowExecutionHistory']>>;
type HistoryEvent = NonNullable<NonNullable<Page['history']>['events']>[number];

/** Milliseconds until the next try while the server is away. */
const PAUSE = 50;
/** Milliseconds that one question may take; the server answers earlier when nothing happens. */
const PATIENCE = 60_000;

/**
 * Tells what happens in a workflow and its children while it happens, from the beginning and each thing once, however
 * often the server is killed meanwhile.
 *
 * @returns how the workflow ended, such as `completed`.
 */
export async function follow(
  address: string,
  workflowId: string,
  tell: (happening: Happening) => void,
  signal: AbortSignal,
): Promise<string> {
  const reader = new Reader(workflowId);
  const children: Promise<unknown>[] = [];
  let connection: Connection | undefined;
  let token: Uint8Array | undefined;
  const close = (): void => {
    void connection?.close().catch(() => undefined);
    connection = undefined;
    token = undefined;
  };
  signal.addEventListener('abort', close);
  try {
    for (;;) {
      signal.throwIfAborted();
      try {
        const open = (connection ??= await Connection.connect({ address, connectTimeout: 1_000, interceptors: [] }));
        const page = await open.withDeadline(Date.now() + PATIENCE, () =>
          open.workflowService.getWorkflowExecutionHistory({
            namespace: 'default',
            execution: { workflowId },
            waitNewEvent: true,
            ...(token === undefined ? {} : { nextPageToken: token }),
          }),
        );
        for (const event of page.history?.events ?? []) {
          const { happening, child, ending } = reader.read(event);
          if (happening !== undefined) tell(happening);
          if (child !== undefined) children.push(follow(address, child, tell, signal));
          if (ending !== undefined) return ending;
        }
        token = page.nextPageToken.length === 0 ? undefined : page.nextPageToken;
      } catch {
        close();
        await sleep(PAUSE);
      }
    }
  } finally {
    close();
    signal.removeEventListener('abort', close);
    await Promise.allSettled(children);
  }
}

/** Makes sense of one workflow's events; each is read once, also when it comes again. */
export class Reader {
  readonly #calls = new Map<number, Call>();
  readonly #started = new Map<number, number>();
  #known = 0;

  constructor(private readonly workflowId: string) {}

  read(event: HistoryEvent): { happening?: Happening; child?: string; ending?: string } {
    const id = Number(event.eventId);
    if (id <= this.#known) return {};
    this.#known = id;
    const at = Number(event.eventTime?.seconds) * 1_000 + (event.eventTime?.nanos ?? 0) / 1e6;
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled != null) {
      const call = this.#callOf(scheduled);
      this.#calls.set(id, call);
      return { happening: { ...call, is: 'scheduled', at } };
    }
    const started = event.activityTaskStartedEventAttributes;
    if (started != null) this.#started.set(Number(started.scheduledEventId), at);
    const over =
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes ??
      event.activityTaskCanceledEventAttributes;
    if (over != null) {
      const call = this.#calls.get(Number(over.scheduledEventId));
      const took = at - (this.#started.get(Number(over.scheduledEventId)) ?? at);
      return call === undefined ? {} : { happening: { ...call, is: 'over', at, took } };
    }
    const child = event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId;
    if (child != null) return { child };
    const ending = endingOf(event);
    return ending === undefined ? {} : { ending };
  }

  #callOf(scheduled: NonNullable<HistoryEvent['activityTaskScheduledEventAttributes']>): Call {
    const [, place = '', node = place] =
      /\.(control|share|node-([^.]+))(?:\.copy)?$/.exec(scheduled.taskQueue?.name ?? '') ?? [];
    const activity = scheduled.activityType?.name ?? '';
    const [first] = scheduled.input?.payloads ?? [];
    const step: unknown = first == null ? undefined : defaultPayloadConverter.fromPayload(first);
    const [, child] = /\.(tree-.*)$/.exec(this.workflowId) ?? [];
    if (child !== undefined) return { step: child, activity, machine: node };
    return { step: typeof step === 'string' ? step : `${node}/agent`, activity, machine: node };
  }
}

function endingOf(event: HistoryEvent): string | undefined {
  if (event.workflowExecutionCompletedEventAttributes != null) return 'completed';
  if (event.workflowExecutionFailedEventAttributes != null) return 'failed';
  if (event.workflowExecutionCanceledEventAttributes != null) return 'cancelled';
  if (event.workflowExecutionTerminatedEventAttributes != null) return 'terminated';
  return undefined;
}
