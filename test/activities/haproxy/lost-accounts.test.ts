import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { admissionAt } from '../../../src/activities/admission.js';
import { balancerAt } from '../../../src/activities/balancer.js';
import { statesNow } from '../../../src/activities/haproxy/states.js';
import { eventually } from '../../support/eventually.js';
import { OwnHaproxy } from './own-haproxy.js';
import { nodeMet, SmtpNode } from './smtp-node.js';

const MINUTE = 60_000;
const PORTS = { smtp: 2525, submission: 2587 } as const;
const SERVICES = ['smtp', 'submission'] as const;

/** One story: each test goes on where the one before ended. */
describe('a node that loses the accounts database, behind a real HAProxy', () => {
  let haproxy: OwnHaproxy;
  let b: SmtpNode;
  let c: SmtpNode;

  beforeAll(async () => {
    haproxy = await OwnHaproxy.prepare();
    const at = (last: number): string => haproxy.address(last);
    [b, c] = await Promise.all([SmtpNode.start('B', at(12), 2525), SmtpNode.start('C', at(13), 2525)]);
    await balancerAt(haproxy.places).apply(
      {
        file: haproxy.file,
        address: at(30),
        services: SERVICES.map((name) => ({ name, port: PORTS[name], nodePort: 2525 })),
        nodes: [
          { id: 'B', address: at(12), weight: 10, backup: false },
          { id: 'C', address: at(13), weight: 10, backup: false },
        ],
        accounts: { recipient: 'probe-1@example.com', port: 2525 },
      },
      haproxy.context('balancer'),
    );
    for (const node of ['B', 'C']) {
      const context = haproxy.context(`admission-${node}`);
      await admissionAt(haproxy.places).apply({ file: haproxy.file, node }, context);
    }
    await eventually('both are up', async () => (await are('B', 'UP')) && (await are('C', 'UP')));
  }, MINUTE);

  afterAll(async () => {
    await haproxy.remove();
    b.close();
    c.close();
  });

  async function stateOf(service: string, node: string): Promise<string | undefined> {
    const states = await statesNow(haproxy.places.socket, new AbortController().signal);
    return states.find((state) => state.service === service && state.node === node)?.status;
  }

  async function are(node: string, status: string): Promise<boolean> {
    const all = await Promise.all(SERVICES.map((service) => stateOf(service, node)));
    return all.every((state) => state === status);
  }

  it(
    'is not taken out for one failed check',
    async () => {
      const seen = new Set<string>();
      b.losses = 1;
      await eventually('one check has failed', async () => (await stateOf('accounts', 'B')) === 'UP 2/3');
      await eventually('and the next has passed', async () => {
        for (const service of SERVICES) seen.add((await stateOf(service, 'B')) ?? '');
        return (await stateOf('accounts', 'B')) === 'UP';
      });
      expect([...seen]).toEqual(['UP']);
    },
    MINUTE,
  );

  it(
    'is taken out of every service',
    async () => {
      b.losses = Infinity;
      await eventually('B is out of both', () => are('B', 'DOWN'));
      for (const service of SERVICES) expect(await nodeMet(haproxy.address(30), PORTS[service])).toBe('C');
    },
    MINUTE,
  );

  it(
    'serves what it still can when no other node is better',
    async () => {
      c.losses = Infinity;
      await eventually('both serve', async () => (await are('B', 'UP')) && (await stateOf('accounts', 'C')) === 'DOWN');
      await expect(are('C', 'UP')).resolves.toBe(true);
    },
    2 * MINUTE,
  );

  it(
    'is let in again once it knows its accounts',
    async () => {
      b.losses = 0;
      await eventually('B alone serves', async () => (await are('B', 'UP')) && (await are('C', 'DOWN')));
      c.losses = 0;
      await eventually('and C again', () => are('C', 'UP'));
    },
    2 * MINUTE,
  );
});
