import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { imapCount } from '../../../src/activities/mail/imap.js';
import { probeOutsideWithin } from '../../../src/activities/probe-outside.js';
import { MailNodes } from '../../activities/mail/mail-nodes.js';
import { eventually } from '../../support/eventually.js';
import { testContext, type TestContext } from '../../support/context.js';
import { PASSWORD } from './clients.js';
import { Sandbox } from './sandbox.js';

const NET = `127.99.${(process.pid % 200) + 1}`;
const PORTS = { smtp: 2525, imap: 2143, pop3: 2110 };
const ELSEWHERE = `${NET}.60`;
const ADDRESS = 'probe@other.example';

let folder: string;
let node: Sandbox;
let outside: MailNodes;
let context: TestContext;

beforeAll(async () => {
  context = await testContext({ password: PASSWORD });
  folder = await mkdtemp(join(tmpdir(), 'standin-outside-'));
  [node, outside] = await Promise.all([
    Sandbox.start(folder, 'mail-a', `${NET}.11`),
    MailNodes.start({ addresses: [ELSEWHERE], ports: PORTS, domain: 'other.example', accounts: { probe: PASSWORD } }),
  ]);
  await node.install('--user', 'icewarp');
  await node.tool('create', 'domain', 'example.com');
  await node.tool('create', 'account', 'probe-1@example.com', 'u_password', PASSWORD);
});

afterAll(async () => {
  await node.stop();
  await outside.stop();
  await rm(folder, { recursive: true, force: true });
  await context.remove();
});

const probe = (patience: number) =>
  probeOutsideWithin(patience).run(
    {
      node: { id: 'A', address: node.address, host: 'mail-a' },
      smtp: node.ports.smtp,
      domain: 'example.com',
      sender: { name: 'probe-1', password: { secret: 'password' } },
      outside: {
        address: ADDRESS,
        password: { secret: 'password' },
        imap: { host: ELSEWHERE, port: PORTS.imap, tls: 'none' },
      },
    },
    context,
  );
const left = (): Promise<number> =>
  imapCount(
    { address: ELSEWHERE, port: PORTS.imap, tls: 'none' },
    { user: ADDRESS, password: PASSWORD },
    'icewarp-rollout',
    context.signal,
  );

/** Mail from a server to another one, over SMTP on both legs. */
describe('the outgoing queue of a node', () => {
  it('is found to be stuck while nobody takes its mail', async () => {
    await node.changeLab({ relaySink: { host: ELSEWHERE, port: 2999 } });
    await expect(probe(2_500)).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: `message A>outside: expected it in ${ADDRESS}’s inbox within 2.5 s, but it was not there`,
    });
  });

  it('passes once it flows again, and what came late is removed as well', async () => {
    await node.changeLab({ relaySink: { host: ELSEWHERE, port: PORTS.smtp } });
    await eventually('the late message has come', async () => (await left()) === 1);
    const { seconds } = await probe(30_000);
    expect(seconds).toBeGreaterThan(0);
    expect(await left()).toBe(0);
  });
});
