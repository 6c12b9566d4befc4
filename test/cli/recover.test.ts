import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

import type { History } from '../../src/cli/history.js';
import { resetPoint } from '../../src/cli/reset-point.js';
import type { rollout } from '../../src/workflows/rollout.js';
import { eventually } from '../support/eventually.js';
import {
  applies,
  command,
  environment,
  MINUTE,
  newCluster,
  restores,
  runWorkers,
  start,
  stepIs,
  stopWorkers,
  useTemporal,
  world,
} from '../workflows/harness.js';
import { run } from './command-line.js';
import { clusterFile, runOn, useFolder } from './temporal.js';

useTemporal();
useFolder();

const HELD = 'installation.apply B/installation';
const NO_ROOM = { times: 1, code: 'INSTALL_FAILED', message: 'no room' };

let folder: string;
let otherRelease: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-release-'));
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(import.meta.dirname, 'fixtures/other-release.js'),
    logger: new DefaultLogger('ERROR'),
  });
  otherRelease = join(folder, 'bundle.js');
  await writeFile(otherRelease, code);
}, MINUTE);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A rollout that another release has begun, and that is held; now this release's workers are there. */
async function begunByAnother(): Promise<WorkflowHandle<typeof rollout>> {
  newCluster();
  world.failures.set(HELD, { ...NO_ROOM });
  await runWorkers([], otherRelease);
  const handle = await start();
  await stepIs(handle, 'B/installation', 'held');
  await stopWorkers();
  await runWorkers();
  return handle;
}

/** What a rollout goes on from ends here by itself: the step that failed once does not fail again. */
const ended = async ({ workflowId }: WorkflowHandle): Promise<unknown> =>
  environment.client.workflow.getHandle(workflowId).result();

describe('recover', () => {
  it(
    'lets a held rollout go on whose history this release does not follow, and finds done what is done',
    async () => {
      const handle = await begunByAnother();
      const file = await clusterFile();
      const status = await runOn('status');
      expect(status.out).toContain('does not follow what Temporal has recorded');
      expect(status.out).toContain('TMPRL1100');
      expect(status.out).toContain(`type:          icewarp-rollout recover ${file}`);
      expect(status.out).not.toContain('worker --control');
      const before = applies();
      const { code, out } = await runOn('recover', '--yes');
      expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/follows the history up to event 1\d\d /) });
      expect(await ended(handle)).toMatchObject({ outcome: 'done' });
      // what was under way at that point, and what had failed; everything else is found done
      const again = applies().slice(before.length);
      expect(again.filter((line) => before.includes(line)).length).toBeLessThanOrEqual(4);
      expect(again).toContain(HELD);
      expect(again.length).toBeGreaterThan(10);
    },
    2 * MINUTE,
  );

  it(
    'is what status asks for also while a task fails again and again, and what was rolled back afterwards is back',
    async () => {
      const handle = await begunByAnother();
      const unheard = command(handle, 'retry').catch((error: unknown) => error);
      const fails = async (): Promise<boolean> => {
        const { failing } = JSON.parse((await runOn('status', '--json')).out) as { failing: object | null };
        return failing !== null && 'doesNotReplay' in failing && failing.doesNotReplay === true;
      };
      await eventually('status tells that it fails', fails);
      expect((await runOn('recover', '--yes', '--json')).out).toContain('"event":"reset"');
      expect(await unheard).toBeInstanceOf(Error);
      await ended(handle);
      expect(await runOn('recover')).toMatchObject({ code: 1, err: expect.stringContaining('REFUSED') });
      expect(await runOn('rollback', '--yes')).toMatchObject({ code: 0 });
      // one undo per node puts its services back, whatever they were restarted for
      expect([...world.applied].filter((step) => !step.includes('/services'))).toEqual([]);
      const [last = ''] = restores().slice(-1);
      expect(last).toContain('services');
    },
    2 * MINUTE,
  );

  it(
    'finds nothing to mend where the history replays, and says what it needs',
    async () => {
      newCluster();
      world.failures.set(HELD, { ...NO_ROOM });
      await runWorkers();
      const handle = await start();
      await stepIs(handle, 'B/installation', 'held');
      expect(await runOn('recover')).toMatchObject({ code: 0, out: expect.stringContaining('nothing to mend') });
      await command(handle, 'rollback');
      await handle.result();
      expect(await run(['recover'])).toMatchObject({ code: 2, err: expect.stringContaining('USAGE') });
    },
    MINUTE,
  );
});

describe('the point to go on from', () => {
  it('is the last one before which the history replays, found with a few replays', async () => {
    const ends = (event: number): boolean => event % 3 === 0;
    const events = Array.from({ length: 3_000 }, (_, index) => ({
      eventId: index + 1,
      eventTime: { seconds: 1_000 + index, nanos: 0 },
      ...(ends(index + 1) ? { workflowTaskCompletedEventAttributes: {} } : {}),
    }));
    for (const wrong of [4, 5, 6, 7, 1_500, 1_501, 2_999, 3_000]) {
      let replays = 0;
      const point = await resetPoint({ events } as unknown as History, (history) => {
        replays += 1;
        return Promise.resolve((history.events?.length ?? 0) < wrong);
      });
      const eventId = Math.floor(wrong / 3) * 3;
      expect(point).toEqual({
        eventId,
        index: eventId - 1,
        at: (1_000 + eventId - 1) * 1_000,
        givenUp: 3_001 - eventId,
      });
      expect(replays).toBeLessThan(14);
    }
  });
});
