import { randomInt } from 'node:crypto';

import { afterEach, describe, expect, it } from '@jest/globals';

import { imapCount, imapRemove } from '../../src/activities/mail/imap.js';
import { inInbox } from '../../src/activities/mail/imap-session.js';
import { probeViews } from '../../src/activities/probe-views.js';
import { testContext, type TestContext } from '../support/context.js';
import { MailNodes, type MailNodesOptions } from './mail/mail-nodes.js';

const PORTS = { smtp: 2525, imap: 2143, pop3: 2110 };
const DOMAIN = 'example.com';
const PASSWORD = 'kB7.second-w0rd';
const ACCOUNT = { name: 'probe-2', password: { secret: 'second' } };
const subnet = `127.${randomInt(128, 250)}.${randomInt(1, 250)}`;
const [A, B] = [`${subnet}.11`, `${subnet}.12`];

/** Two real IMAP servers, each with indexes of its own, over one mailbox; `fault` is what is wrong with the second. */
describe('what is done on one node', () => {
  let nodes: MailNodes | undefined;
  let context: TestContext;

  afterEach(async () => {
    await nodes?.stop();
    await context.remove();
  });

  async function start(fault: Partial<MailNodesOptions> = {}): Promise<MailNodes> {
    context = await testContext({ second: PASSWORD });
    nodes = await MailNodes.start({
      addresses: [A, B],
      ports: PORTS,
      domain: DOMAIN,
      accounts: { 'probe-2': PASSWORD },
      ...fault,
    });
    return nodes;
  }

  const watch = (acting = 'A', watching = 'B'): Promise<{ readonly checks: readonly string[] }> => {
    const at = (id: string) => ({ id, address: id === 'A' ? A : B });
    return probeViews.run(
      { acting: at(acting), watching: at(watching), imap: PORTS.imap, domain: DOMAIN, account: ACCOUNT },
      context,
    );
  };
  const login = { user: `probe-2@${DOMAIN}`, password: PASSWORD };
  const at = (address: string) => ({ address, port: PORTS.imap });
  const foldersLeft = async (): Promise<readonly string[]> =>
    inInbox(at(A), login, context.signal, async (client) => (await client.list()).map(({ path }) => path));

  it('shows in a session that is open on another: new mail, flags, a move, a deletion', async () => {
    await start();
    const { checks } = await watch();
    expect(checks).toEqual(
      ['a new message, once and under the same UID', 'flags', 'a move', 'a deletion'].map(
        (what) => `B showed what A did in an open session: ${what}`,
      ),
    );
    await watch('B', 'A');
    expect(await imapCount(at(A), login, 'icewarp-rollout', context.signal)).toBe(0);
    expect(await foldersLeft()).toEqual(['INBOX']);
  });

  it('takes away what an interrupted look has left, and leaves other mail', async () => {
    const servers = await start();
    servers.deliver(login.user, Buffer.from('Subject: a user’s own\r\n\r\nhello\r\n'));
    await inInbox(at(A), login, context.signal, async (client) => {
      await client.append('INBOX', 'Subject: icewarp-rollout view [A>B] 0011 1\r\n\r\nold\r\n');
      await client.mailboxCreate('icewarp-rollout-view-A-B-0011');
    });
    await watch();
    expect(await imapCount(at(B), login, 'icewarp-rollout', context.signal)).toBe(0);
    expect(await imapCount(at(B), login, 'own', context.signal)).toBe(1);
    expect(await foldersLeft()).toEqual(['INBOX']);
  });

  it('is missed by a node that reads a mail folder of its own', async () => {
    await start({ apart: [B] });
    await expect(watch()).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message:
        'new message, made on A and watched in an open session on B: expected it exactly once within 30 s, but it was there 0 times',
    });
    expect(await imapCount(at(A), login, 'icewarp-rollout', context.signal)).toBe(0);
  });

  it('is numbered otherwise by a node that keeps its own list of UIDs', async () => {
    // what nodes with an uncoordinated index do: each numbers the messages that it finds
    const servers = await start({ numbersItself: [B] });
    servers.deliver(login.user, Buffer.from('Subject: early\r\n\r\nhello\r\n'));
    await imapRemove(at(B), login, 'early', context.signal);
    await expect(watch()).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: expect.stringMatching(
        /expected UID \d+ under UIDVALIDITY \d+ as on A, but it had UID \d+ under UIDVALIDITY \d+: the nodes number/,
      ) as unknown,
    });
  });

  it('is told to be unseen when the other node does not answer', async () => {
    await start({ addresses: [A] });
    await expect(watch()).rejects.toMatchObject({ code: 'PROBE_UNREACHABLE' });
    expect(await imapCount(at(A), login, 'icewarp-rollout', context.signal)).toBe(0);
  });
});
