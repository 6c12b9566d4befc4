import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import type { CopyTreeInput, TreeCut } from '../../src/activities/tree.js';
import { copyQueueOf, queueOf, treeIdOf } from '../../src/cluster/names.js';
import { whereabouts } from '../../src/transfer/process-identity.js';
import type { PassResult } from '../../src/transfer/types.js';
import { treeCommandUpdate, treeStatusQuery } from '../../src/workflows/tree-messages.js';
import { recordHistory } from '../replay/histories.js';
import { HungShare } from '../support/hung-share.js';
import type { treeParent } from './fixtures/tree-parent.js';
import { environment, MINUTE } from './harness.js';
import {
  beatOf,
  begin,
  cluster,
  engine,
  eventually,
  failureOf,
  forkAgent,
  inputOf,
  kill,
  ledger,
  offer,
  startAgent,
  useTrees,
} from './tree-harness.js';

const BY = 'tester@test';

useTrees();

function passOf(kind: PassResult['kind'], files: number): PassResult {
  const amount = { files, bytes: files * 100 };
  const counts = { unchanged: 0, moved: 0, deleted: 0, hardLinks: 0, skipped: 0 };
  return {
    kind,
    outcome: 'done',
    seen: amount,
    copied: amount,
    ...counts,
    times: 'nanoseconds',
    notes: [],
    seconds: 1,
  };
}

describe('a first copy of twenty million files', () => {
  it(
    'goes shard by shard, then over the whole tree, with less than 5,000 events of history',
    async () => {
      const SHARDS = 500;
      const copies: (number | undefined)[] = [];
      const cut: TreeCut = { shards: SHARDS, entries: 20_000_000, id: 'cut' };
      await offer(queueOf(cluster, 'node', 'A'), { 'agent.hello': () => Promise.resolve({}) });
      await offer(copyQueueOf(cluster, 'A'), {
        'tree.cut': () => Promise.resolve(cut),
        'tree.copy': ({ kind, shard }: CopyTreeInput) => {
          copies.push(shard?.index);
          if (shard !== undefined) return Promise.resolve(passOf(kind, 40_000));
          return Promise.resolve({ ...passOf(kind, 5), seen: { files: 20_000_005, bytes: 2e9 } });
        },
      });
      const handle = await begin(await inputOf('huge', { pass: 'seed' }));
      const { result, shards } = await handle.result();
      expect(shards).toBe(SHARDS);
      expect(copies).toEqual([...Array.from({ length: SHARDS }, (_, index) => index), undefined]);
      expect(result).toMatchObject({ kind: 'seed', copied: { files: 20_000_005 }, unchanged: 0, seconds: SHARDS + 1 });
      const { historyLength, historySize = Infinity } = await handle.describe();
      expect(historyLength).toBeGreaterThan(3 * SHARDS);
      expect(historyLength).toBeLessThan(5_000);
      expect(historySize).toBeLessThan(4_000_000);
      console.info(`a pass of ${SHARDS} shards: ${historyLength} events, ${historySize} bytes`);
    },
    5 * MINUTE,
  );
});

describe('a first copy in shards', () => {
  it(
    'ends at the shard that is held, and says why',
    async () => {
      const copies: (number | undefined)[] = [];
      await offer(queueOf(cluster, 'node', 'A'), { 'agent.hello': () => Promise.resolve({}) });
      await offer(copyQueueOf(cluster, 'A'), {
        'tree.cut': () => Promise.resolve({ shards: 3, entries: 30, id: 'cut' } satisfies TreeCut),
        'tree.copy': ({ kind, shard }: CopyTreeInput) => {
          copies.push(shard?.index);
          const held = shard?.index === 1 ? { outcome: 'held' as const, why: 'too many items were skipped' } : {};
          return Promise.resolve({ ...passOf(kind, 10), ...held });
        },
      });
      const handle = await begin(await inputOf('held', { pass: 'seed' }));
      expect(await handle.result()).toMatchObject({
        shards: 3,
        result: { outcome: 'held', why: 'too many items were skipped', copied: { files: 20 } },
      });
      expect(copies).toEqual([0, 1]);
      await recordHistory('migrate-tree-held', handle);
    },
    MINUTE,
  );
});

describe('a pass over a tree', () => {
  it(
    'gives the engine’s result, and a small tree is copied whole',
    async () => {
      await startAgent();
      const seed = await begin(await inputOf('works', { pass: 'seed' }));
      expect(await seed.result()).toMatchObject({ shards: 0, result: { kind: 'seed', outcome: 'done' } });
      await recordHistory('migrate-tree', seed);
      const verify = await begin(await inputOf('works', { pass: 'verify' }));
      expect(await verify.result()).toMatchObject({ result: { outcome: 'equal' } });
    },
    MINUTE,
  );

  it(
    'carries its counters in heartbeats, and answers what it is at',
    async () => {
      await startAgent();
      const handle = await begin(await inputOf('works on'));
      expect(await beatOf(handle)).toMatchObject({ phase: 'walk and copy', files: 1, bytes: 100 });
      expect(await handle.query(treeStatusQuery)).toMatchObject({ pass: 'delta', doing: 'copies', paused: false });
      await handle.cancel();
      await failureOf(handle);
    },
    MINUTE,
  );

  it(
    'that is cancelled has ended its engine before it is cancelled',
    async () => {
      await startAgent();
      const handle = await begin(await inputOf('ignores the request'));
      await beatOf(handle);
      const { child } = await engine();
      await handle.cancel();
      await failureOf(handle);
      expect(await whereabouts(child)).toBe('gone');
      expect((await handle.describe()).status.name).toBe('CANCELLED');
    },
    MINUTE,
  );

  it(
    'that is cancelled while the share hangs fails and says so: it may still write',
    async () => {
      const share = await HungShare.create();
      try {
        await startAgent();
        const { tree, ...rest } = await inputOf('waits for a share');
        share.hang();
        const handle = await begin({ ...rest, tree: { ...tree, destination: join(share.mount, 'x') } });
        await beatOf(handle);
        const { child } = await engine();
        await handle.cancel();
        expect(await failureOf(handle)).toMatchObject({ cause: { type: 'SHARE_HANGS' } });
        expect(await whereabouts(child)).toBe('alive');
        expect((await handle.describe()).status.name).toBe('FAILED');
      } finally {
        await share.remove();
      }
    },
    2 * MINUTE,
  );

  it(
    'goes on when its agent was killed, with another engine, after the first one has ended',
    async () => {
      const first = await forkAgent();
      const handle = await begin(await inputOf('works the second time'));
      expect(await beatOf(handle)).toMatchObject({ files: 7, skipped: 1 });
      const { child } = await engine();
      await kill(first);
      await forkAgent();
      expect(await handle.result()).toMatchObject({ result: { outcome: 'done' } });
      expect(await whereabouts(child)).toBe('gone');
    },
    2 * MINUTE,
  );

  it(
    'tries again what may be tried again, and fails with the code of what may not',
    async () => {
      await startAgent();
      const again = await begin(await inputOf('dies the first time'));
      expect(await again.result()).toMatchObject({ result: { outcome: 'done' } });
      await rm(ledger(), { recursive: true });
      const never = await begin(await inputOf('fails'));
      expect(await failureOf(never)).toMatchObject({
        cause: { type: 'SOURCE_MISSING', message: 'there is no such folder' },
      });
    },
    MINUTE,
  );

  it(
    'can be paused, which ends the engine, and goes on; a wrong verb gets a reason',
    async () => {
      await startAgent();
      const handle = await begin(await inputOf('works the second time'));
      await beatOf(handle);
      const { child } = await engine();
      const send = (verb: 'pause' | 'resume'): Promise<string> =>
        handle.executeUpdate(treeCommandUpdate, { args: [{ verb, by: BY }] });
      await expect(send('resume')).rejects.toMatchObject({ cause: { message: 'it is not paused' } });
      await send('pause');
      await expect(send('pause')).rejects.toMatchObject({ cause: { message: 'it is paused already' } });
      await eventually(async () => ((await whereabouts(child)) === 'gone' ? true : null));
      expect(await handle.query(treeStatusQuery)).toMatchObject({ doing: 'copies', paused: true });
      await send('resume');
      expect(await handle.result()).toMatchObject({ result: { outcome: 'done' } });
      await recordHistory('migrate-tree-paused', handle);
    },
    MINUTE,
  );

  it(
    'takes other limits while it runs',
    async () => {
      await startAgent();
      const handle = await begin(await inputOf('works on'));
      await beatOf(handle);
      const limits = { bytes: 1_000, timetable: [{ days: [1], from: 0, to: 60 }] };
      await handle.executeUpdate(treeCommandUpdate, { args: [{ verb: 'limit', by: BY, limits }] });
      expect(JSON.parse(await readFile(join(ledger(), 'limits.json'), 'utf8'))).toEqual(limits);
      const wrong = handle.executeUpdate(treeCommandUpdate, {
        args: [{ verb: 'limit', by: BY, limits: { bytes: 0 } }],
      });
      await expect(wrong).rejects.toThrow();
      expect((await handle.describe()).status.name).toBe('RUNNING');
      await handle.cancel();
      await failureOf(handle);
    },
    MINUTE,
  );

  it(
    'as a child stops its copy before its cancelled parent goes on',
    async () => {
      await startAgent();
      const parent = await environment.client.workflow.start<typeof treeParent>('treeParent', {
        workflowId: `parent-${cluster}`,
        taskQueue: queueOf(cluster, 'control'),
        args: [await inputOf('ignores the request')],
      });
      const { child } = await engine();
      await parent.cancel();
      expect(await parent.result()).toBe('stopped');
      expect(await whereabouts(child)).toBe('gone');
      const handle = environment.client.workflow.getHandle(treeIdOf(cluster, 'mail', 'delta'));
      expect((await handle.describe()).status.name).toBe('CANCELLED');
    },
    MINUTE,
  );
});
