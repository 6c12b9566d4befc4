import { mkdir, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { nodesMeet, type NodeMeeting, type NodesMeetInput } from '../../src/activities/nodes-meet.js';
import { BETWEEN_NODES, MEETING_POINTS } from '../../src/cluster/services.js';
import { testContext, type TestContext } from '../support/context.js';
import { drop } from '../support/firewall.js';
import { listenAt } from '../support/listening.js';

const NODES = ['A', 'B', 'C'] as const;
/** A network of this process's own on the loopback. */
const SUBNET = `127.${200 + (process.pid % 50)}.${process.pid % 251}`;
const ADDRESSES = { A: `${SUBNET}.11`, B: `${SUBNET}.12`, C: `${SUBNET}.13` };
const OPEN = { closed: [], closedInAll: 0 };

let context: TestContext;
let undo: (() => unknown)[];

beforeEach(async () => {
  context = await testContext();
  undo = [];
});
afterEach(async () => {
  for (const one of undo) await one();
  await context.remove();
});

function part(node: keyof typeof ADDRESSES, other: Partial<NodesMeetInput> = {}): Promise<NodeMeeting> {
  const others = NODES.filter((name) => name !== node).map((name) => ({ name, address: ADDRESSES[name] }));
  const directory = join(context.folder, 'none');
  return nodesMeet.run(
    { token: 't', node, address: ADDRESSES[node], others, directory, ports: [25], ...other },
    context,
  );
}

const meet = (): Promise<NodeMeeting[]> => Promise.all(NODES.map((node) => part(node)));

/** Another program at a port of a node; tells what it was told. */
async function programAt(address: string, port: number, greeting: string): Promise<() => string> {
  let said = '';
  const talk = (socket: Socket): void => {
    socket.on('data', (data) => (said += data.toString()));
    socket.write(greeting);
  };
  const { close } = await listenAt(address, talk, port);
  undo.push(close);
  return () => said;
}

describe('a meeting of the nodes', () => {
  it('finds every port of every node by TCP and UDP, and leaves nothing open', async () => {
    for (let round = 0; round < 2; round += 1) {
      const began = Date.now();
      const all = BETWEEN_NODES.length + 1;
      expect(await meet()).toEqual(NODES.map(() => ({ offered: all, udp: all, ...OPEN })));
      expect(Date.now() - began).toBeLessThan(10_000);
    }
  }, 60_000);

  it('tells from where a port is closed by a firewall, TCP and UDP apart', async () => {
    undo.push(drop(ADDRESSES.B, 'udp', [...BETWEEN_NODES, ...MEETING_POINTS]), drop(ADDRESSES.C, 'tcp', [143]));
    const [a, b, c] = await meet();
    const udp = [MEETING_POINTS[0], ...BETWEEN_NODES].slice(0, 6);
    const B = { node: 'B', never: false, tcp: [], tcpInAll: 0, udp, udpInAll: BETWEEN_NODES.length + 1 };
    const C = { node: 'C', never: false, tcp: [143], tcpInAll: 1, udp: [], udpInAll: 0 };
    expect(a?.closed).toEqual([B, C]);
    expect(b?.closed).toEqual([C]);
    expect(c?.closed).toEqual([B]);
  }, 60_000);

  it('tells when no TCP port of a node answers', async () => {
    undo.push(drop(ADDRESSES.B, 'tcp', [...BETWEEN_NODES, ...MEETING_POINTS]));
    const [a, b] = await meet();
    const tcpInAll = BETWEEN_NODES.length + MEETING_POINTS.length;
    expect(a?.closed).toEqual([{ node: 'B', never: true, tcp: [], tcpInAll, udp: [], udpInAll: 0 }]);
    expect(b?.closed).toEqual([]);
  }, 60_000);

  it('says nothing to another program on a port, and takes it for open', async () => {
    const said = await programAt(ADDRESSES.B, 25, '220 mail\r\n');
    const [a] = await meet();
    expect(a).toMatchObject(OPEN);
    expect(said()).toBe('');
  }, 60_000);

  it('leaves IceWarp’s ports alone where it is installed', async () => {
    const directory = join(context.folder, 'icewarp');
    await mkdir(directory);
    await writeFile(join(directory, 'tool.sh'), '');
    const meeting = Promise.all([part('A', { directory }), part('B'), part('C')]);
    expect((await meeting).map(({ offered, udp }) => ({ offered, udp }))[0]).toEqual({ offered: 1, udp: 1 });
    expect((await meeting)[1]).toMatchObject(OPEN);
  }, 60_000);

  it('takes a node for closed that is of another meeting', async () => {
    const [a] = await Promise.all([
      part('A', { others: [{ name: 'B', address: ADDRESSES.B }] }),
      part('B', { token: 'other', others: [{ name: 'A', address: ADDRESSES.A }] }),
    ]);
    // somebody listens at its ports, who is not the node that was asked to come
    expect(a.closed).toMatchObject([{ node: 'B', never: true }]);
  }, 60_000);

  it('knows an address that is not its own', async () => {
    const elsewhere = part('A', { address: '192.0.2.1', others: [] });
    expect(await elsewhere).toMatchObject({ offered: 0, udp: 0 });
  }, 60_000);

  it('ends at once when it is cancelled, and closes its ports', async () => {
    const stop = new AbortController();
    const alone = nodesMeet.run(
      {
        token: 't',
        node: 'A',
        address: ADDRESSES.A,
        others: [{ name: 'B', address: ADDRESSES.B }],
        directory: join(context.folder, 'none'),
        ports: [],
      },
      { ...context, signal: stop.signal },
    );
    setTimeout(() => {
      stop.abort();
    }, 500);
    const began = Date.now();
    await expect(alone).rejects.toThrow();
    expect(Date.now() - began).toBeLessThan(3_000);
    await programAt(ADDRESSES.A, 143, '');
  }, 60_000);
});
