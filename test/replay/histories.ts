import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { WorkflowHandle } from '@temporalio/client';

/** Recorded histories lie beside their source, not in the compiled tree. */
const FOLDER = join(import.meta.dirname, '../../../test/replay');

type History = ReturnType<typeof historyFromJSON>;

/** Keeps a run's history as a golden one, when the tests run with RECORD_HISTORIES=1 (see CONTRIBUTING.md). */
export async function recordHistory(name: string, handle: Pick<WorkflowHandle, 'fetchHistory'>): Promise<void> {
  if (process.env['RECORD_HISTORIES'] !== '1') return;
  const history = await handle.fetchHistory();
  writeFileSync(join(FOLDER, `${name}.json.gz`), gzipSync(historyToJSON(history), { level: 9 }));
}

/** Every golden history by name. */
export function recordedHistories(): { readonly name: string; readonly history: History }[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json.gz'))
    .map((file) => ({
      name: file.replace('.json.gz', ''),
      history: historyFromJSON(JSON.parse(gunzipSync(readFileSync(join(FOLDER, file))).toString('utf8'))),
    }));
}
