import { describe, expect, it } from '@jest/globals';

import { rolloutIdOf } from '../../src/cluster/names.js';
import { cluster, environment, MINUTE, newCluster, runWorkers, useTemporal, world } from '../workflows/harness.js';
import { runOn, useFolder } from './temporal.js';

useTemporal();
useFolder();

interface Event {
  readonly event: string;
  readonly [fact: string]: unknown;
}

/** Standard output as lines of JSON; anything else on it fails. */
function events(out: string): Event[] {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event);
}

describe('what a command prints with --json', () => {
  it(
    'is one event of JSON a line and nothing else, from the start to the rollback of nothing',
    async () => {
      newCluster();
      await runWorkers();
      const started = await runOn('start', '--yes', '--json');
      expect(started.code).toBe(0);
      const names = events(started.out).map(({ event }) => event);
      expect(new Set(names)).toEqual(new Set(['plan', 'webui', 'phase', 'step', 'end']));
      expect(names.at(-1)).toBe('end');
      const { namespace } = environment.client.options;
      expect(namespace).not.toBe('default');
      expect(events(started.out).find(({ event }) => event === 'webui')).toEqual({
        event: 'webui',
        url: `http://127.0.0.1:1/namespaces/${namespace}/workflows/${rolloutIdOf(cluster.name)}`,
      });

      const back = await runOn('rollback', '--yes', '--json');
      expect(back.code).toBe(0);
      expect(events(back.out).at(-1)).toMatchObject({ event: 'end', outcome: 'rolled back', undoable: 0 });

      const nothing = await runOn('rollback', '--yes', '--json');
      expect({ code: nothing.code, said: events(nothing.out) }).toEqual({ code: 0, said: [{ event: 'nothing' }] });
    },
    2 * MINUTE,
  );

  it(
    'tells an answer to a verb and a held step as events too',
    async () => {
      newCluster();
      world.failures.set('osUser.apply A/osUser', { times: 2, code: 'USER_CONFLICT', message: 'taken' });
      await runWorkers();
      const held = await runOn('start', '--yes', '--json');
      expect(held.code).toBe(4);
      expect(events(held.out).at(-1)).toMatchObject({ event: 'held', status: { cluster: cluster.name } });
      const retried = await runOn('retry', '--json');
      expect({ code: retried.code, said: events(retried.out) }).toEqual({
        code: 0,
        said: [{ event: 'answer', answer: 'retry: A/osUser' }],
      });
    },
    2 * MINUTE,
  );
});
