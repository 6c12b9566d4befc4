import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { imapRemove } from '../../../src/activities/mail/imap.js';
import { plantOldMessage } from '../../../src/activities/mail/old-message.js';
import { quotaOf } from '../../../src/activities/mail/quota.js';
import { probeQuotaWithin } from '../../../src/activities/probe-quota.js';
import { REFRESH_DIRECTORY_CACHE } from '../../../src/icewarp/variables.js';
import { testContext, type TestContext } from '../../support/context.js';
import { PASSWORD, send } from './clients.js';
import { Sandbox } from './sandbox.js';

const NET = `127.99.${(process.pid % 200) + 1}`;
const USER = 'known@example.com';
const LOGIN = { user: USER, password: PASSWORD };

let folder: string;
let node: Sandbox;
let context: TestContext;

beforeAll(async () => {
  context = await testContext({ known: PASSWORD });
  folder = await mkdtemp(join(tmpdir(), 'standin-quota-'));
  node = await Sandbox.start(folder, 'one', `${NET}.11`);
  await node.install('--user', 'icewarp');
  await node.tool('create', 'domain', 'example.com');
  await node.tool('create', 'account', USER, 'u_password', PASSWORD);
});

afterAll(async () => {
  await node.stop();
  await rm(folder, { recursive: true, force: true });
  await context.remove();
});

const server = () => ({ address: node.address, port: node.ports.imap });
const probe = (patience: number) =>
  probeQuotaWithin(patience).run(
    {
      node: { id: 'A', address: node.address },
      imap: node.ports.imap,
      domain: 'example.com',
      accounts: [{ name: 'known', password: { secret: 'known' } }],
    },
    context,
  );

describe('the quota of a mailbox whose messages were copied beside the server', () => {
  it('is wrong for as long as nobody has the directory cache refreshed', async () => {
    expect(await send(node, { to: USER, subject: 'first' })).toBe(250);
    const path = '/opt/icewarp/mail/example.com/known/inbox/cur/20200101-0001.imap';
    await plantOldMessage(server(), LOGIN, 'test', context.signal);
    await writeFile(join(node.root, path), 'Subject: old\r\n\r\nOld mail\r\n');
    await node.run('chown', 'icewarp', path);
    await expect(probe(1_500)).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message:
        'quota of known@example.com on A: expected it to count what is there within 1.5 s, but 0 messages are counted, 3 are there; has the directory cache been refreshed?',
    });
  });

  it('is right some time after the refresh was asked for, to the byte', async () => {
    expect((await node.tool('set', 'system', REFRESH_DIRECTORY_CACHE, '1')).exitCode).toBe(0);
    const { checks } = await probe(60_000);
    expect(checks).toEqual(['A: the quota of known@example.com counts what is there (3 messages)']);
  });

  it('stays as it was counted when a message is removed', async () => {
    await imapRemove(server(), LOGIN, 'old', context.signal);
    const { held, told } = await quotaOf(server(), LOGIN, context.signal);
    expect([held.messages, told?.messages]).toEqual([1, 3]);
  });
});
