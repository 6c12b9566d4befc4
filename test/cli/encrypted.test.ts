import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';

import { rolloutIdOf } from '../../src/cluster/names.js';
import { workerConverter, workflowBundle } from '../../src/temporal/data-converter.js';
import { parsePayloadKeys } from '../../src/temporal/payload-keys.js';
import { eventually } from '../support/eventually.js';
import { exampleCluster } from '../workflows/example-cluster.js';
import {
  cluster,
  environment,
  MINUTE,
  newCluster,
  runWorkers,
  start,
  stepIs,
  stopWorkers,
  useCluster,
  useKeys,
  useTemporal,
  world,
} from '../workflows/harness.js';
import { said } from './command-line.js';
import { beginOn, runOn, useFolder, useVariables } from './temporal.js';

const FIRST = line('2026-06');
const SECOND = line('2026-12');
const HELD = 'control/database:iw_accounts';

const BUILD = join(import.meta.dirname, '../../src');
const folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-encrypted-'));
const DATABASE = 'temporal.db';
/** What stands in input, failures, results and what the Web UI is told, of every rollout. */
const WORDS = ['is refused', '192.0.2.40', 'database iw_accounts for accounts', 'db-admin'];

afterAll(async () => {
  await rm(folder, { recursive: true });
});

useTemporal(() => join(folder, DATABASE));
useFolder();

function line(id: string): string {
  return `${id} ${randomBytes(32).toString('base64')}`;
}

/** Commands that are begun from now on have these keys, or none. */
async function commandsHave(...lines: readonly string[]): Promise<void> {
  const file = join(folder, `keys-${randomBytes(4).toString('hex')}`);
  await writeFile(file, lines.join('\n'), { mode: 0o600 });
  useVariables(lines.length === 0 ? {} : { TEMPORAL_PAYLOAD_KEYS: file });
}

/** What the server has kept of a text, in any of its files. */
function kept(marker: string): boolean {
  const files = readdirSync(folder).filter((file) => file.startsWith(DATABASE));
  expect(files.length).toBeGreaterThan(0);
  return files.some((file) => readFileSync(join(folder, file)).includes(marker));
}

/** A cluster that bears a word of its own, and a step that fails once and says it. */
function markedCluster(): string {
  const marker = `marker${randomBytes(8).toString('hex')}`;
  newCluster();
  const { name } = cluster;
  useCluster({ ...exampleCluster(name), mail: { ...exampleCluster(name).mail, domain: `${marker}.example.com` } });
  world.failures.set(`database.apply ${HELD}`, { times: 1, code: 'DATABASE_DENIED', message: `${marker} is refused` });
  return marker;
}

function rolloutOnServer(): WorkflowHandle {
  return environment.client.workflow.getHandle(rolloutIdOf(cluster.name));
}

/** What the workflow tasks that failed have failed with. */
async function failedTasks(): Promise<readonly string[]> {
  const { events } = await rolloutOnServer().fetchHistory();
  return (events ?? []).flatMap(
    ({ workflowTaskFailedEventAttributes: task }) => task?.failure?.applicationFailureInfo?.type ?? [],
  );
}

describe('with payload encryption', () => {
  it(
    'every command works, also over a rotation; the server keeps nothing in the open; the history replays',
    async () => {
      useKeys(parsePayloadKeys(FIRST));
      await commandsHave(FIRST);
      const marker = markedCluster();
      await runWorkers();
      const started = await beginOn('start', '--yes');
      await said(started, 'HELD');
      const held = expect.stringContaining(`${marker} is refused`) as unknown;
      expect(await runOn('status')).toMatchObject({ code: 4, out: held });
      expect(await runOn('resume')).toMatchObject({ code: 1, err: expect.stringContaining('it is not paused') });
      await stopWorkers();

      // who has not the key reads nothing, and is told which one and what to do
      await commandsHave();
      const without = /"2026-06".*does not have\n.*payload keys.*\(PAYLOAD_KEY_UNKNOWN\)/;
      expect(await runOn('status')).toMatchObject({ code: 1, out: '', err: expect.stringMatching(without) });
      await commandsHave(line('2026-06'));
      const wrong = /"2026-06".*\n.*\(PAYLOAD_KEY_WRONG\)/;
      expect(await runOn('status')).toMatchObject({ code: 1, out: '', err: expect.stringMatching(wrong) });

      // a control worker without it ends nothing: what it was asked for waits for one that has it
      await commandsHave(SECOND, FIRST);
      useKeys(parsePayloadKeys(SECOND));
      await runWorkers();
      const retried = await beginOn('retry');
      await eventually('a workflow task fails', async () => (await failedTasks()).length > 0);
      await stopWorkers();
      const keys = parsePayloadKeys(`${SECOND}\n${FIRST}`);
      useKeys(keys);
      await runWorkers();
      expect(await retried.ended).toMatchObject({ code: 0, err: expect.not.stringContaining('error') });

      const watched = await runOn('watch');
      expect(watched).toMatchObject({ code: 0, out: expect.stringContaining('finished') });
      const document = join(folder, 'report.html');
      expect(await runOn('report', '--html', document)).toMatchObject({
        code: 0,
        out: expect.stringContaining('retry'),
      });
      expect(readFileSync(document, 'utf8')).toContain('control: say hello');
      await stopWorkers();
      // from the result alone
      expect(await runOn('status')).toMatchObject({ code: 0, out: expect.stringContaining('finished') });

      for (const word of [marker, ...WORDS]) expect({ word, kept: kept(word) }).toEqual({ word, kept: false });
      expect(new Set(await failedTasks())).toEqual(new Set(['PAYLOAD_KEY_UNKNOWN']));
      const replayer = { dataConverter: workerConverter(keys), workflowBundle: workflowBundle(BUILD, keys) };
      await Worker.runReplayHistory(replayer, await rolloutOnServer().fetchHistory(), rolloutIdOf(cluster.name));
    },
    2 * MINUTE,
  );

  it(
    'it is off without keys: the same leaves its words in the server’s files',
    async () => {
      useKeys({ all: new Map() });
      const marker = markedCluster();
      await runWorkers();
      await stepIs(await start(), HELD, 'held');
      for (const word of [marker, ...WORDS]) expect({ word, kept: kept(word) }).toEqual({ word, kept: true });
    },
    MINUTE,
  );

  it(
    'an agent without the key holds a step up and ends nothing',
    async () => {
      newCluster();
      useKeys(parsePayloadKeys(FIRST));
      await runWorkers(['A']);
      useKeys({ all: new Map() });
      await runWorkers(['control', 'share', 'B']);
      await start();
      await commandsHave(FIRST);
      const told = /PAYLOAD_KEY_UNKNOWN[^]*"2026-06"/;
      await eventually('the step says why', async () => told.test((await runOn('status')).out));
      expect(await runOn('status')).toMatchObject({ code: 4, out: expect.stringContaining('running since') });
    },
    MINUTE,
  );
});
