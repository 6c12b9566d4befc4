import { describe, expect, it } from '@jest/globals';

import { endpointOf } from '../../src/cluster/endpoint.js';

describe('a host with a port', () => {
  it.each([
    ['mx.example.net', 'mx.example.net', 25],
    ['mx.example.net:587', 'mx.example.net', 587],
    ['192.0.2.1', '192.0.2.1', 25],
    ['192.0.2.1:26', '192.0.2.1', 26],
    ['2001:db8::1', '2001:db8::1', 25],
    ['[2001:db8::1]', '2001:db8::1', 25],
    ['[2001:db8::1]:26', '2001:db8::1', 26],
  ])('is read from %s', (text, host, port) => {
    expect(endpointOf(text, 25)).toEqual({ host, port });
  });

  it.each(['', ':25', 'mx.example.net:', 'mx.example.net:0', 'mx.example.net:65536', '[192.0.2.1]:25', 'a:b'])(
    'is not "%s"',
    (text) => {
      expect(endpointOf(text, 25)).toBeNull();
    },
  );
});
