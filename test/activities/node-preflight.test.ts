import { mkdir, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { nodePreflight, type NodePreflight, type NodePreflightInput } from '../../src/activities/node-preflight.js';
import { parseRelease, systemRelease } from '../../src/platform/system-release.js';
import { linuxMounts } from '../../src/platform/linux-mounts.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp } from '../support/fake-icewarp.js';
import { listenAt, type Listening } from '../support/listening.js';

const ADDRESS = '127.77.4.11';
let context: TestContext;
let input: NodePreflightInput;
let servers: Listening[] = [];

beforeEach(async () => {
  context = await testContext({}, { mounts: linuxMounts });
  input = {
    directory: join(context.folder, 'icewarp'),
    local: join(context.folder, 'deep/down/local'),
    point: join(context.folder, 'mount'),
    address: ADDRESS,
    host: ADDRESS,
    ports: [],
  };
});
afterEach(async () => {
  for (const server of servers) await server.close();
  servers = [];
  await context.remove();
});

const look = (): Promise<NodePreflight> => nodePreflight.run(input, context);

async function portTakenAt(host: string): Promise<number> {
  const server = await listenAt(host);
  servers.push(server);
  return server.port;
}

describe('the preflight of a node', () => {
  it('tells the system and the room where folders will be that do not exist yet', async () => {
    const facts = await look();
    const { id, version } = await systemRelease();
    expect(facts).toMatchObject({ os: id, osVersion: version, architecture: arch(), installed: false, joined: false });
    expect(id).not.toBe('');
    expect(facts.room.installation.bytes).toBeGreaterThan(0);
    expect(facts.room.local).toEqual({ bytes: expect.any(Number), files: expect.any(Number) });
    expect(facts).toMatchObject({
      hidden: 0,
      elsewhere: false,
      taken: [],
      names: [ADDRESS],
      writers: [],
      externalMailboxes: 0,
    });
  });

  it('names ports that another program has at the node’s address, not at that of its neighbour', async () => {
    const [own, neighbours] = [await portTakenAt(ADDRESS), await portTakenAt('127.77.4.12')];
    input = { ...input, ports: [own, neighbours] };
    expect((await look()).taken).toEqual([{ port: own, by: expect.stringMatching(/./) }]);
  });

  it('takes a listener for IceWarp’s own once it is installed, and reads its list of mailboxes elsewhere', async () => {
    const icewarp = await fakeIceWarp(input.directory, {});
    try {
      input = { ...input, ports: [await portTakenAt(ADDRESS)] };
      await mkdir(join(input.directory, 'config'), { recursive: true });
      await writeFile(join(input.directory, 'config/externaldirs.dat'), '/data/one\r\n\r\n/data/two\r\n');
      expect(await look()).toMatchObject({ installed: true, taken: [], externalMailboxes: 2 });
    } finally {
      await icewarp.stop();
    }
  });

  it('knows an address that is not its own', async () => {
    input = { ...input, address: '192.0.2.12' };
    expect((await look()).elsewhere).toBe(true);
  });

  it('counts what the mount would hide', async () => {
    await mkdir(input.point);
    expect((await look()).hidden).toBe(0);
    await writeFile(join(input.point, 'mail.imap'), 'left');
    expect((await look()).hidden).toBe(1);
    // something is mounted there: nothing is hidden
    input = { ...input, point: '/proc' };
    expect((await look()).hidden).toBe(0);
  });

  it('does not know a host name that nobody knows', async () => {
    input = { ...input, host: 'nowhere.invalid' };
    expect((await look()).names).toEqual([]);
  });

  it('answers in less than 2 kB', async () => {
    expect(Buffer.byteLength(JSON.stringify(await look()))).toBeLessThan(2_048);
  });
});

describe('what a system says of itself', () => {
  it('is read with and without quotes, and not mistaken for a similar line', () => {
    expect(parseRelease('PRETTY_NAME="x"\nID_LIKE=debian\nVERSION_ID="22.04"\nID=ubuntu\n')).toEqual({
      id: 'ubuntu',
      version: '22.04',
    });
    expect(parseRelease('')).toEqual({ id: '', version: '' });
  });
});
