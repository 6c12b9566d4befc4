import type { LoadedDataConverter } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';

import { RolloutError } from '../cluster/errors.js';
import type { Machine } from '../cluster/names.js';
import type { Undo } from '../workflows/status.js';
import { valueOf, type History } from './history.js';

/** An activity that a run has asked for. */
interface Asked {
  readonly activity: string;
  readonly step: string;
  readonly input: unknown;
}

/**
 * What puts back the steps that a run began in the events from one on, in the order of its doing: it will know no more of them.
 *
 * @param machines those of the cluster.
 * @throws RolloutError REFUSED where users were let in to something new in these events: what is put back alone, and what only
 * together with what users did since, could not be told apart any more.
 */
export async function undoGivenUp(
  { events }: History,
  from: number,
  { machines, converter }: { readonly machines: readonly Machine[]; readonly converter: LoadedDataConverter },
): Promise<Undo[]> {
  const asked = new Map<string, Asked>();
  const before = new Map<string, unknown>();
  const undo: Undo[] = [];
  for (const event of events ?? []) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    const completed = event.activityTaskCompletedEventAttributes;
    if (scheduled != null) {
      const activity = scheduled.activityType?.name ?? '';
      const [step, input] = await decodeArrayFromPayloads(converter, scheduled.input?.payloads);
      asked.set(String(event.eventId), { activity, step: String(step), input });
      if (Number(event.eventId) < from) continue;
      if (activity === 'leaseEnd.run' && (input as { readonly opened: boolean }).opened) throw opened();
      const on = machines.find(({ queue }) => queue === scheduled.taskQueue?.name);
      if (!activity.endsWith('.apply') || on === undefined) continue;
      const [kind = ''] = activity.split('.');
      const told = await valueOf(converter, event.userMetadata?.summary);
      const title = String(told ?? step).replace(`${on.name}: `, '');
      const id = String(step);
      undo.push({ kind, step: id, title, on, desired: input, before: before.get(`${kind} ${id}`) ?? null });
    } else if (completed != null) {
      const answered = asked.get(String(completed.scheduledEventId));
      if (answered?.activity.endsWith('.check') !== true) continue;
      const check = await valueOf(converter, completed.result?.payloads?.[0]);
      const key = `${answered.activity.replace('.check', '')} ${answered.step}`;
      // a look at what was begun already finds what it did
      if (!undo.some(({ kind, step }) => `${kind} ${step}` === key)) {
        before.set(key, (check as { readonly before: unknown }).before);
      }
    }
  }
  return undo;
}

function opened(): RolloutError {
  return new RolloutError(
    'REFUSED',
    'in what would be given up, users were let in to something new: reset it by hand (docs/recovery.md), and only to go back',
  );
}
