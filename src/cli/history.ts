import type { Client, WorkflowHandle } from '@temporalio/client';
import type { LoadedDataConverter, Payload } from '@temporalio/common';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';

import { within } from './connect.js';

/** What Temporal has recorded of a run. */
export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
export type HistoryEvent = NonNullable<History['events']>[number];

/** Milliseconds that a long history may take to be read. */
const PATIENCE = 60_000;

/** The whole history of a run. */
export function historyOf(client: Client, handle: WorkflowHandle): Promise<History> {
  return within(client, () => handle.fetchHistory(), Date.now() + PATIENCE);
}

/**
 * What a history holds as one of its values, decrypted where it is encrypted; undefined where there is none.
 *
 * @throws what the codec does where this process has not the key.
 */
export async function valueOf(converter: LoadedDataConverter, payload: Payload | null | undefined): Promise<unknown> {
  return payload == null ? undefined : decodeFromPayloadsAtIndex(converter, 0, [payload]);
}
