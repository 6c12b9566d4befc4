import { describe, expect, it } from '@jest/globals';

import { cluster, MINUTE, newCluster, plan, runWorkers, start, useTemporal, world } from './harness.js';

useTemporal();

describe('the balancer in a rollout', () => {
  it(
    'finds the Redis of the web sessions before PHP is told of it, and both before the nodes are one cluster',
    async () => {
      newCluster();
      cluster.balancer.sessions = { redis: { host: '192.0.2.60', port: 6379 } };
      await runWorkers();
      const ids = (await plan()).steps.map(({ id }) => id);
      for (const node of ['A', 'B']) {
        const order = [`${node}/licence`, `${node}/redisAnswers`, `${node}/phpIni`, `${node}/pathDat`];
        expect(ids.filter((id) => order.includes(id))).toEqual(order);
      }
    },
    MINUTE,
  );

  it(
    'has names guessed through it once, while a single node is let in',
    async () => {
      newCluster();
      await runWorkers();
      await (await start()).result();
      const admitted = world.log
        .filter((line) => /^(admission\.apply|probeBalancer\.run|probeLockout\.run) /.test(line))
        .map((line) => line.split(' ').slice(1).join(' '));
      expect(admitted).toEqual([
        'control/admission:B',
        'control/probeBalancer:with B',
        'control/probeLockout',
        'control/admission:A',
        'control/probeBalancer:with A',
      ]);
    },
    MINUTE,
  );
});
