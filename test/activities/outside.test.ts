import { once } from 'node:events';
import { connect } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { namesPreflight, type NamesPreflight, type NamesPreflightInput } from '../../src/activities/names-preflight.js';
import {
  outsidePreflight,
  type OutsidePreflight,
  type OutsidePreflightInput,
} from '../../src/activities/outside-preflight.js';
import { ownConnections } from '../../src/activities/own-connections.js';
import { testContext, type TestContext } from '../support/context.js';
import { startDns, type DnsServer } from '../support/dns-server.js';
import { listenAt } from '../support/listening.js';
import { startTls } from '../support/tls-server.js';

const NODE = '127.77.9.11';
const BALANCER = '127.77.9.30';
const DOMAIN = 'outside.test';
const NAME = `mail.${DOMAIN}`;
const HOST = `mail-a.${DOMAIN}`;
const SPF = `txt-record=${DOMAIN},"v=spf1 ip4:${NODE} -all"`;
const RECORDS = [
  `host-record=${NAME},${BALANCER},300`,
  `host-record=${HOST},${NODE}`,
  `mx-host=${DOMAIN},${NAME},10`,
  SPF,
];

let context: TestContext;
let undo: (() => unknown)[] = [];

beforeEach(async () => {
  context = await testContext();
});
afterEach(async () => {
  for (const one of undo.reverse()) await one();
  undo = [];
  await context.remove();
});

async function dns(records: readonly string[]): Promise<DnsServer> {
  const server = await startDns('127.77.9.53', records);
  undo.push(() => server.stop());
  return server;
}

/** A server that says something, or nothing, to whoever connects; and from where the last one came. */
async function listen(
  says: string,
  address = '127.77.9.99',
): Promise<{ at: string; port: number; from: () => string }> {
  let from = '';
  const { port, close } = await listenAt(address, (socket) => {
    from = socket.remoteAddress ?? '';
    socket.write(says);
  });
  undo.push(close);
  return { at: `${address}:${port}`, port, from: () => from };
}

async function tls(names: readonly string[], days: number, address = BALANCER): Promise<number> {
  const server = await startTls(address, { names, days });
  undo.push(() => server.stop());
  return server.port;
}

const names = (input: Partial<NamesPreflightInput>): Promise<NamesPreflight> =>
  namesPreflight.run({ names: [NAME], domain: DOMAIN, ...input }, context);
const outside = (input: Partial<OutsidePreflightInput>): Promise<OutsidePreflight> =>
  outsidePreflight.run({ address: NODE, ...input }, context);

describe('the clients’ names, asked of a real DNS server', () => {
  it('tell where they lead, for how long that is kept, and who takes the domain’s mail', async () => {
    const { at } = await dns([...RECORDS, `host-record=two.${DOMAIN},${BALANCER},2001:db8::1,60`]);
    const facts = await names({ names: [NAME, `two.${DOMAIN}`, `none.${DOMAIN}`], resolvers: [at] });
    expect(facts).toEqual({
      answered: true,
      names: [
        { name: NAME, addresses: [BALANCER], ttl: 300, certificate: null },
        { name: `two.${DOMAIN}`, addresses: [BALANCER, '2001:db8::1'], ttl: 60, certificate: null },
        { name: `none.${DOMAIN}`, addresses: [], ttl: null, certificate: null },
      ],
      exchanges: [NAME],
    });
  });

  it('say that nobody answered, which is not that there is nothing', async () => {
    expect(await names({ resolvers: ['127.77.9.54:53'] })).toEqual({ answered: false, names: [], exchanges: [] });
  });

  it('end at once when the work is cancelled', async () => {
    const silent = createSilence();
    const stop = new AbortController();
    const asked = namesPreflight.run(
      { names: [NAME], domain: DOMAIN, resolvers: [await silent] },
      { ...context, signal: stop.signal },
    );
    const begun = Date.now();
    setTimeout(() => stop.abort(), 100);
    await expect(asked).rejects.toThrow();
    expect(Date.now() - begun).toBeLessThan(3_000);
  });

  it('tell of a certificate whether it has the name, how long it lasts and who issued it', async () => {
    const { at } = await dns(RECORDS);
    const shown = async (port: number): Promise<unknown> =>
      (await names({ resolvers: [at], certificate: port })).names[0]?.certificate;
    const good = {
      lacks: [],
      days: 99,
      early: false,
      trusted: false,
      until: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    };
    expect(await shown(await tls([NAME], 100))).toEqual(good);
    expect(await shown(await tls([`*.${DOMAIN}`], 100))).toEqual(good);
    expect(await shown(await tls([HOST], 100))).toMatchObject({ lacks: [NAME] });
    expect(await shown(await tls([NAME], -3))).toMatchObject({ lacks: [], days: -4 });
    const { port } = await listen('220 no TLS here\r\n', BALANCER);
    expect(await shown(port)).toBeNull();
  }, 30_000);
});

/** A DNS server that never answers. */
async function createSilence(): Promise<string> {
  const { createSocket } = await import('node:dgram');
  const socket = createSocket('udp4');
  socket.bind(0, '127.77.9.55');
  await once(socket, 'listening');
  undo.push(() => socket.close());
  return `127.77.9.55:${socket.address().port}`;
}

describe('a node, seen from outside', () => {
  const sender = { outgoing: NODE, host: HOST, domain: DOMAIN };

  it('is one that may send, is named, and greets with its name', async () => {
    const { at } = await dns(RECORDS);
    const facts = await outside({ resolvers: [at], sender });
    expect(facts).toMatchObject({ sender: { spf: 'pass', helo: [NODE], pointers: [HOST], confirmed: true } });
    expect(facts).toMatchObject({ dnsSilent: false, greeting: null, licenceServer: null, certificate: null });
  });

  it.each([
    ['is not in the SPF record', RECORDS, { outgoing: '127.77.9.12' }, { spf: 'fail', pointers: [], confirmed: false }],
    ['has a domain without one', RECORDS.filter((line) => line !== SPF), {}, { spf: 'none', confirmed: true }],
    [
      'is allowed by a record that another one includes',
      [
        ...RECORDS.filter((line) => line !== SPF),
        `txt-record=${DOMAIN},"v=spf1 include:_spf.${DOMAIN} ~all"`,
        `txt-record=_spf.${DOMAIN},"v=spf1 a:${HOST} -all"`,
      ],
      {},
      { spf: 'pass' },
    ],
    [
      'has a name that leads elsewhere',
      [...RECORDS, `ptr-record=12.9.77.127.in-addr.arpa,${HOST}`],
      { outgoing: '127.77.9.12' },
      { pointers: [HOST], confirmed: false, helo: [NODE] },
    ],
    ['greets with a name that nobody knows', RECORDS, { host: `nobody.${DOMAIN}` }, { helo: [], confirmed: true }],
  ])('%s', async (_, records, other, expected) => {
    const { at } = await dns(records);
    const { sender: seen } = await outside({ resolvers: [at], sender: { ...sender, ...other } });
    expect(seen).toMatchObject(expected);
  });

  it('says that DNS is silent', async () => {
    expect(await outside({ resolvers: ['127.77.9.54:53'], sender })).toMatchObject({ sender: null, dnsSilent: true });
  });

  it('is greeted from its own address, or says why not', async () => {
    const open = await listen('220 mx.example.net ESMTP\r\n');
    expect((await outside({ mailServer: open.at })).greeting).toBe(220);
    expect(open.from()).toBe(NODE);
    expect((await outside({ mailServer: (await listen('554 go away\r\n')).at })).greeting).toBe(554);
    expect((await outside({ mailServer: '127.77.9.98:25' })).greeting).toBe('refused');
  });

  it('does not wait for ever for one who says nothing', async () => {
    const { at } = await listen('');
    expect((await outside({ mailServer: at })).greeting).toBe('silent');
  }, 60_000);

  it('stops waiting at once when the work is cancelled', async () => {
    const [silent, deaf] = [await listen(''), await listen('', NODE)];
    const stop = new AbortController();
    const certificate = { port: deaf.port, names: [NAME] };
    const looked = outsidePreflight.run(
      { address: NODE, mailServer: silent.at, certificate },
      { ...context, signal: stop.signal },
    );
    const begun = Date.now();
    setTimeout(() => stop.abort(), 200);
    await expect(looked).rejects.toThrow();
    expect(Date.now() - begun).toBeLessThan(5_000);
  });

  it('reaches the licence server, or says why not', async () => {
    const { at } = await listen('');
    expect((await outside({ licenceServer: at })).licenceServer).toBe('connected');
    expect((await outside({ licenceServer: '127.77.9.98' })).licenceServer).toBe('refused');
  });

  it('shows its own certificate for every client name', async () => {
    const port = await tls([NAME], 100, NODE);
    const facts = await outside({ certificate: { port, names: [NAME, `web.${DOMAIN}`] } });
    expect(facts.certificate).toMatchObject({ lacks: [`web.${DOMAIN}`] });
  });
});

describe('connections past the balancer', () => {
  it('are those of clients on the node’s own address, not those of the balancer or of other nodes', async () => {
    const { port } = await listen('220\r\n', NODE);
    const from = async (localAddress: string, to = port): Promise<void> => {
      const socket = connect({ host: NODE, port: to, localAddress });
      await once(socket, 'data');
      undo.push(() => socket.destroy());
    };
    const { port: other } = await listen('220\r\n', NODE);
    for (const address of [BALANCER, '127.77.9.12', '127.0.0.1', NODE]) await from(address);
    const look = (): Promise<unknown> =>
      ownConnections.run({ address: NODE, ports: [port], cluster: [BALANCER, '127.77.9.12'] }, context);
    expect(await look()).toEqual({ inAll: 0, from: [] });
    await from('127.77.9.200', other);
    expect(await look()).toEqual({ inAll: 0, from: [] });
    await from('127.77.9.200');
    expect(await look()).toEqual({ inAll: 1, from: [{ address: '127.77.9.200', port }] });
  });
});
