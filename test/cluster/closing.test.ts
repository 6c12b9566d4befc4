import { describe, expect, it } from '@jest/globals';

import { closingOf } from '../../src/cluster/closing.js';
import { firstNode } from '../../src/cluster/names.js';
import type { ClusterFile } from '../../src/cluster/schema.js';
import { exampleCluster } from '../workflows/example-cluster.js';

const file = exampleCluster('t');
const first = firstNode(file);

const withSmarthost = (smarthost: string): ClusterFile => ({
  ...file,
  public: { names: [], licenceServer: 'licence.example.com', smarthost },
});

describe('what a stop closes', () => {
  it('is every port of IceWarp’s, once each, and those that the cluster file names', () => {
    const services = [{ name: 'smtp' as const, nodePort: 2525 }, { name: 'imap' as const }];
    const closing = closingOf({ ...file, balancer: { ...file.balancer, services } }, first, []);
    expect(closing.services).toEqual(expect.arrayContaining([25, 143, 443, 2525, 5222, 32_000]));
    expect(new Set(closing.services).size).toBe(closing.services.length);
    expect(closing.addresses).toEqual([]);
  });

  it('lets in nodes, control machine, database and share, and nobody else', () => {
    const { admit } = closingOf(file, first, ['192.0.2.9', '192.0.2.11']);
    expect(admit).toEqual(['192.0.2.11', '192.0.2.12', '192.0.2.40', '192.0.2.50', '192.0.2.9']);
  });

  it.each([
    ['mx.example.net', [25, 465, 587]],
    ['mx.example.net:2525', [25, 465, 587, 2525]],
    ['[2001:db8::1]:2525', [25, 465, 587, 2525]],
    ['2001:db8::2525', [25, 465, 587]],
  ])('holds mail also for a smarthost: %s', (smarthost, ports) => {
    expect(closingOf(withSmarthost(smarthost), first, []).delivery).toEqual(ports);
  });

  it('is only the node’s own address where that is one of the loopback', () => {
    expect(closingOf(file, { ...first, address: '127.64.3.11' }, []).addresses).toEqual(['127.64.3.11']);
  });
});
