import { describe, expect, it } from '@jest/globals';

import { describeState } from '../../src/workflows/progress-text.js';
import { statusQuery } from '../../src/workflows/status.js';
import { recordHistory } from '../replay/histories.js';
import { eventually } from '../support/eventually.js';
import {
  command,
  MINUTE,
  newCluster,
  plan,
  restores,
  runWorkers,
  start,
  stepIs,
  useTemporal,
  world,
} from './harness.js';

useTemporal();

const STEP = 'A/oldMail:mail';
const SEEN = { from: '/opt/icewarp/mail/', files: 3, bytes: 300, copied: false };

/** What happened to the old mail, in order. */
const story = (): string[] => world.log.filter((line) => /tree\.|oldMail|roomForMail|^stopped/.test(line));
const at = (line: string): number => world.log.indexOf(line);

const skip = (handle: Parameters<typeof command>[0], step: string): Promise<string> => command(handle, 'skip', step);

function newClusterWithMail(): void {
  newCluster();
  world.before.set(STEP, SEEN);
}

describe('a rollout with old mail', () => {
  it(
    'copies and verifies it while users work, and only then makes the final pass with services stopped',
    async () => {
      newClusterWithMail();
      await runWorkers();
      const handle = await start();
      expect((await handle.result()).outcome).toBe('done');
      expect(story()).toEqual([
        `roomForMail.run A/roomForMail:mail`,
        'tree.cut A/mail',
        'tree.copy A/mail',
        'tree.verify A/mail',
        `oldMail.apply ${STEP}`,
      ]);
      await recordHistory('old-mail', handle);
    },
    2 * MINUTE,
  );

  it(
    'has it seen by every node before the services start again, and its counts renewed when all have joined',
    async () => {
      newClusterWithMail();
      await runWorkers();
      expect((await (await start()).result()).outcome).toBe('done');
      const order = [
        'plantOldMessages.run control/plantOldMessages',
        'tree.cut A/mail',
        `oldMail.apply ${STEP}`,
        'shareInventory.run A/shareInventory:mail',
        'mailFound.run B/mailFound:mail',
        // last, because it takes the list off the share
        'mailFound.run A/mailFound:mail',
        'services.apply A/services:directories',
        'probeOldMessages.run control/probeOldMessages:A',
        'services.apply B/services:shared',
        'probeViews.run control/probeViews:A-B',
        'probeViews.run control/probeViews:B-A',
        'probeOldMessages.run control/probeOldMessages:B',
        'refreshDirectoryCache.run A/refreshDirectoryCache',
        'probeQuota.run control/probeQuota',
        'removeOldMessages.run control/removeOldMessages',
      ];
      expect(order.filter((line) => at(line) < 0)).toEqual([]);
      expect([...order].sort((a, b) => at(a) - at(b))).toEqual(order);
    },
    2 * MINUTE,
  );

  it(
    'is held with the services stopped while a node does not see it, and may skip only the proof of the counts',
    async () => {
      newClusterWithMail();
      const lost = { times: 1, code: 'MAIL_MISSING', message: 'example.com/ada: 0 files' };
      world.failures.set('mailFound.run B/mailFound:mail', lost);
      world.failures.set('probeQuota.run control/probeQuota', { ...lost, code: 'PROBE_FAILED' });
      await runWorkers();
      const handle = await start();
      expect((await stepIs(handle, 'B/mailFound:mail', 'held')).state).toMatchObject({ code: 'MAIL_MISSING' });
      expect(at('services.apply A/services:directories')).toBe(-1);
      await expect(skip(handle, 'B/mailFound:mail')).rejects.toThrow();
      await command(handle, 'retry', 'B/mailFound:mail');
      await stepIs(handle, 'control/probeQuota', 'held');
      await skip(handle, 'control/probeQuota');
      expect((await handle.result()).outcome).toBe('done');
    },
    2 * MINUTE,
  );

  it(
    'is not looked for where there was none',
    async () => {
      newClusterWithMail();
      world.applied.add(STEP);
      await runWorkers();
      expect((await (await start()).result()).outcome).toBe('done');
      expect(world.log.filter((line) => /OldMessage|mailFound|Inventory|Quota|refresh/.test(line))).toEqual([]);
    },
    2 * MINUTE,
  );

  it(
    'goes over it again while users work, as long as that takes long and at most five times',
    async () => {
      newClusterWithMail();
      world.seconds.push(4_000, 900, 301, 299);
      await runWorkers();
      expect((await (await start()).result()).outcome).toBe('done');
      expect(story().filter((line) => line === 'tree.copy A/mail')).toHaveLength(4);
      newClusterWithMail();
      world.seconds.push(...Array.from({ length: 20 }, () => 4_000));
      await runWorkers();
      expect((await (await start()).result()).outcome).toBe('done');
      expect(story().filter((line) => line === 'tree.copy A/mail')).toHaveLength(6);
    },
    3 * MINUTE,
  );

  it(
    'says how long the copy takes, by the share’s speed and what is there, once both are measured',
    async () => {
      newClusterWithMail();
      world.changes.set(STEP, [{ what: 'old mail', before: 'not there', after: '3 files' }]);
      world.facts.set('shareFitness A', { filesPerSecond: 100, bytesPerSecond: 1_000 });
      world.facts.set('roomForMail A', { files: 60_000, bytes: 600_000 });
      world.endlessPasses.add('tree.copy');
      await runWorkers();
      const planned = (await plan()).steps.find(({ id }) => id === STEP);
      expect(planned?.note).toBe('how long it takes is known after the share’s fitness was measured');
      const handle = await start();
      const { state } = await stepIs(handle, STEP, 'running');
      expect(state).toEqual({ is: 'running', expected: 1_200 });
      expect(describeState(state)).toBe('is running: about 20 min expected');
      await command(handle, 'rollback');
      await handle.result().catch(() => undefined);
    },
    2 * MINUTE,
  );

  it.each([
    [
      'tree.verify',
      {
        outcome: 'different',
        different: 2,
        differencesFile: '/state/different.jsonl',
        checked: { files: 3, bytes: 300 },
      },
      'COPY_DIFFERS',
      /^2 files on the share are not what was copied: \/state\/different\.jsonl$/,
    ],
    [
      'tree.copy',
      {
        outcome: 'held',
        why: 'too many items were skipped',
        copied: { files: 0, bytes: 0 },
        seen: { files: 3, bytes: 300 },
      },
      'COPY_INCOMPLETE',
      /^too many items were skipped$/,
    ],
  ])(
    'is held when %s does not end well, with the services running, and begins it again on a retry',
    async (activity, result, code, why) => {
      newClusterWithMail();
      world.passes.set(activity, result);
      await runWorkers();
      const handle = await start();
      const { state } = await stepIs(handle, STEP, 'held');
      expect(state).toMatchObject({ code, why: expect.stringMatching(why) });
      expect(story()).not.toContain(`oldMail.apply ${STEP}`);
      world.passes.delete(activity);
      await command(handle, 'retry', STEP);
      expect((await handle.result()).outcome).toBe('done');
      expect(story().filter((line) => line === 'tree.copy A/mail')).toHaveLength(2);
    },
    2 * MINUTE,
  );

  it(
    'ends a first copy that runs before it goes back, and takes away what that has copied',
    async () => {
      newClusterWithMail();
      world.endlessPasses.add('tree.copy');
      await runWorkers();
      const handle = await start();
      await eventually('the first copy runs', () => story().includes('tree.copy A/mail'));
      await command(handle, 'rollback');
      expect(await handle.result()).toMatchObject({ outcome: 'rolled back', undo: [] });
      const stopped = world.log.indexOf('stopped tree.copy A/mail');
      expect(stopped).toBeGreaterThan(0);
      expect(world.log.indexOf(`oldMail.restore ${STEP}`)).toBeGreaterThan(stopped);
      expect(restores()).toContain(`oldMail.restore ${STEP}`);
      const { steps } = await handle.query(statusQuery);
      expect(steps.find(({ id }) => id === STEP)?.state.is).toBe('stopped');
      await recordHistory('old-mail-rolled-back', handle);
    },
    2 * MINUTE,
  );
});
