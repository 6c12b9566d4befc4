import { afterEach, describe, expect, it } from '@jest/globals';

import { holderOf, listeners, parseListeners, takes } from '../../src/platform/listeners.js';
import { listenAt, type Listening } from '../support/listening.js';

const ADDRESS = '127.77.3.11';
let servers: Listening[] = [];

afterEach(async () => {
  for (const server of servers) await server.close();
  servers = [];
});

async function portTakenAt(host: string): Promise<number> {
  const server = await listenAt(host);
  servers.push(server);
  return server.port;
}

describe('the listeners of a machine', () => {
  it('are found with their address, and the program behind them', async () => {
    const port = await portTakenAt(ADDRESS);
    const [found, ...others] = (await listeners()).filter((one) => one.port === port && one.address === ADDRESS);
    if (found === undefined) throw new Error('it listens');
    expect(others).toEqual([]);
    expect((await holderOf(found))?.name).toMatch(/node|MainThread/);
    expect(takes(found, ADDRESS)).toBe(true);
    expect(takes(found, '127.77.3.12')).toBe(false);
  });

  it('on every address are in the way of each', async () => {
    const port = await portTakenAt('0.0.0.0');
    const found = (await listeners()).filter((one) => one.port === port);
    expect(found.some((one) => takes(one, ADDRESS))).toBe(true);
  });

  it('are read in the kernel’s words: byte by byte, IPv6 and mapped addresses too, and only those that listen', () => {
    const line = (local: string, state: string): string =>
      `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0`;
    const text = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      line('0100007F:0019', '0A'),
      line('0100007F:1F90', '01'),
      line('B80D0120000000000000000001000000:008F', '0A'),
      line('0000000000000000FFFF00000B02000A:01BB', '0A'),
      line('00000000000000000000000000000000:0050', '0A'),
    ].join('\n');
    expect(parseListeners(text)).toEqual([
      { address: '127.0.0.1', port: 25, inode: '4711' },
      { address: '2001:db8::1', port: 143, inode: '4711' },
      { address: '10.0.2.11', port: 443, inode: '4711' },
      { address: '::', port: 80, inode: '4711' },
    ]);
    const [, second] = parseListeners(text);
    expect(second !== undefined && takes(second, '2001:0db8:0:0:0:0:0:1')).toBe(true);
  });
});
