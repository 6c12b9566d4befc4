import { describe, expect, it } from '@jest/globals';

import { addressSeen } from '../../src/activities/probe-balancer.js';

describe('of whose address a node has seen', () => {
  const top = [
    'Received: from mail ([192.0.2.77]:4711 helo=x) by node; today',
    'Received: from [198.51.100.1] by mail',
  ];

  it('take the client’s for itself only, not as a part of another one', () => {
    expect(addressSeen(top, '192.0.2.77', '192.0.2.30', 'proxy')).toContain('client’s address (192.0.2.77)');
    expect(() => addressSeen(top, '192.0.2.7', '192.0.2.30', 'proxy')).toThrow('neither it nor the balancer’s');
    expect(
      addressSeen(['Received: from [IPv6:2001:db8::7] by node'], '2001:db8::7', '2001:db8::30', 'proxy'),
    ).toContain('2001:db8::7');
  });

  it('say that it is not proven where the machine has no address but the balancer’s', () => {
    expect(addressSeen(top, null, '192.0.2.77', 'proxy')).toContain('not proven');
  });
});
