import { randomInt } from 'node:crypto';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { imapCount } from '../../src/activities/mail/imap.js';
import { probeOutsideWithin } from '../../src/activities/probe-outside.js';
import { testContext, type TestContext } from '../support/context.js';
import { MailNodes } from './mail/mail-nodes.js';

const PORTS = { smtp: 2525, imap: 2143, pop3: 2110 };
const PASSWORDS = { own: 'kB7.first-w0rd', outside: 'kB7.second-w0rd' };
const subnet = `127.${randomInt(128, 250)}.${randomInt(1, 250)}`;
const [NODE, ELSEWHERE] = [`${subnet}.11`, `${subnet}.60`];
const ADDRESS = 'probe@other.example';

describe('mail to another domain', () => {
  let nodes: MailNodes;
  let outside: MailNodes;
  let context: TestContext;

  beforeAll(async () => {
    context = await testContext(PASSWORDS);
    nodes = await MailNodes.start({
      addresses: [NODE],
      ports: PORTS,
      domain: 'example.com',
      accounts: { 'probe-1': PASSWORDS.own },
    });
    outside = await MailNodes.start({
      addresses: [ELSEWHERE],
      ports: PORTS,
      domain: 'other.example',
      accounts: { probe: PASSWORDS.outside },
    });
  });

  afterAll(async () => {
    await nodes.stop();
    await outside.stop();
    await context.remove();
  });

  afterEach(async () => {
    outside.copies = 1;
    const login = { user: ADDRESS, password: PASSWORDS.outside };
    const server = { address: ELSEWHERE, port: PORTS.imap, tls: 'none' } as const;
    expect(await imapCount(server, login, 'icewarp-rollout', context.signal)).toBe(0);
  });

  const probe = (secret = 'outside', patience = 3_000) =>
    probeOutsideWithin(patience).run(
      {
        node: { id: 'A', address: NODE, host: 'mail-a.example.com' },
        smtp: PORTS.smtp,
        domain: 'example.com',
        sender: { name: 'probe-1', password: { secret: 'own' } },
        outside: {
          address: ADDRESS,
          password: { secret },
          imap: { host: ELSEWHERE, port: PORTS.imap, tls: 'none' },
        },
      },
      context,
    );

  /** A node that hands mail on under this name. */
  function sendsOutAs(name: string): void {
    nodes.sendsOut = (to, message, address) =>
      outside.deliver(to, Buffer.concat([Buffer.from(`Received: from [${address}9] by ${name}; today\r\n`), message]));
  }

  it('arrives once, says by which node, and is removed', async () => {
    sendsOutAs('Mail-A.example.com');
    const { subject } = await probe();
    expect(subject).toContain('icewarp-rollout probe [A>outside]');
  });

  it('is missed when the node’s outgoing queue is stuck', async () => {
    nodes.sendsOut = () => undefined;
    await expect(probe()).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: `message A>outside: expected it in ${ADDRESS}’s inbox within 3 s, but it was not there`,
    });
  });

  it('is found out to arrive twice', async () => {
    sendsOutAs('mail-a.example.com');
    outside.copies = 2;
    await expect(probe()).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: 'message A>outside: expected it exactly once by IMAP, but it was there 2 times',
    });
  });

  it('is found out to go through another server than the node', async () => {
    sendsOutAs('mail-b.example.com');
    await expect(probe()).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: `message A>outside: expected a Received line that names mail-a.example.com or ${NODE}, but none of its 2 did`,
    });
  });

  it('is not handed over where the node takes none from its own users', async () => {
    nodes.sendsOut = undefined;
    await expect(probe()).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: expect.stringMatching(/SMTP sending/),
    });
  });

  it('tells a wrong password of the mailbox outside, and never repeats it', async () => {
    sendsOutAs('mail-a.example.com');
    const failure = await probe('own').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'PROBE_FAILED' });
    expect(String(failure)).not.toContain('kB7');
    // what has arrived can only be taken away with the right one
    await probe();
    const login = { user: ADDRESS, password: PASSWORDS.outside };
    expect(await imapCount({ address: ELSEWHERE, port: PORTS.imap }, login, 'probe', context.signal)).toBe(0);
  });
});
