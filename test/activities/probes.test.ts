import { readFile, writeFile } from 'node:fs/promises';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { admissionAt } from '../../src/activities/admission.js';
import { balancerAt } from '../../src/activities/balancer.js';
import { imapCount } from '../../src/activities/mail/imap.js';
import { pop3Count } from '../../src/activities/mail/pop3.js';
import { probeBalancerAt } from '../../src/activities/probe-balancer.js';
import { probeLockoutAt } from '../../src/activities/probe-lockout.js';
import { probeNode } from '../../src/activities/probe-node.js';
import { probePair } from '../../src/activities/probe-pair.js';
import type { Context } from '../../src/activities/resource.js';
import type { AccountSpec, ClientAddress } from '../../src/cluster/schema.js';
import { listenAt } from '../support/listening.js';
import { OwnHaproxy } from './haproxy/own-haproxy.js';
import { MailNodes } from './mail/mail-nodes.js';

const PORTS = { smtp: 2525, imap: 2143, pop3: 2110 };
const DOMAIN = 'example.com';
const PASSWORDS = { 'probe-1': 'kB7.first-w0rd', 'probe-2': 'kB7.second-w0rd' };
const SENDER: AccountSpec = { name: 'probe-1', password: { secret: 'first' } };
const RECIPIENT: AccountSpec = { name: 'probe-2', password: { secret: 'second' } };

describe('the probes on real mail servers', () => {
  let haproxy: OwnHaproxy;
  let nodes: MailNodes;
  let context: Context;
  let a: { id: string; address: string };
  let b: { id: string; address: string };

  beforeAll(async () => {
    haproxy = await OwnHaproxy.prepare();
    a = { id: 'A', address: haproxy.address(11) };
    b = { id: 'B', address: haproxy.address(12) };
    nodes = await MailNodes.start({
      addresses: [a.address, b.address],
      ports: PORTS,
      domain: DOMAIN,
      accounts: PASSWORDS,
    });
    context = haproxy.context('probe', {
      first: PASSWORDS['probe-1'],
      second: PASSWORDS['probe-2'],
      wrong: 'kB7.wrong-w0rd',
    });
  });

  afterAll(async () => {
    await haproxy.remove();
    await nodes.stop();
  });

  afterEach(async () => {
    nodes.copies = 1;
    nodes.takesAll = false;
    await expect(messagesLeft()).resolves.toBe(0);
  });

  function messagesLeft(): Promise<number> {
    const login = { user: `probe-2@${DOMAIN}`, password: PASSWORDS['probe-2'] };
    return imapCount({ address: a.address, port: PORTS.imap }, login, 'icewarp-rollout', context.signal);
  }

  function probed(known: AccountSpec, services: { smtp?: number; imap?: number; pop3?: number } = PORTS) {
    return probeNode.run({ node: a, services, domain: DOMAIN, known, unknown: 'nobody-at-all' }, context);
  }

  function paired() {
    return probePair.run(
      { from: a, to: b, ports: PORTS, domain: DOMAIN, sender: SENDER, recipient: RECIPIENT },
      context,
    );
  }

  describe('of one node', () => {
    it('prove that it knows its users and lets them in', async () => {
      const { checks } = await probed(SENDER);
      expect(checks).toEqual([
        'A: SMTP takes probe-1@example.com (250)',
        'A: SMTP refuses nobody-at-all@example.com (550)',
        'A: IMAP lets probe-1@example.com in',
        'A: POP3 lets probe-1@example.com in',
      ]);
    });

    it('find a known user who is refused', async () => {
      await expect(probed({ name: 'lost', password: { secret: 'first' } })).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message: 'A: SMTP, known recipient lost@example.com: expected 250, but 550 came',
      });
    });

    it('find an unknown user who is taken', async () => {
      nodes.takesAll = true;
      await expect(probed(SENDER)).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message: expect.stringContaining('expected 5xx, but 250 came') as unknown as string,
      });
    });

    it.each(['imap', 'pop3'] as const)('find a refused %s password, and never repeat it', async (service) => {
      const wrong = { name: 'probe-1', password: { secret: 'wrong' } };
      const failure = await probed(wrong, { [service]: PORTS[service] }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'PROBE_FAILED' });
      expect((failure as Error).message).toMatch(/probe-1@example.com to log in .* refused/);
      expect((failure as Error).message).not.toContain('kB7');
    });

    it.each(['smtp', 'imap', 'pop3'] as const)('say that nobody answers at the %s port', async (service) => {
      await expect(probed(SENDER, { [service]: 2999 })).rejects.toMatchObject({
        code: 'PROBE_UNREACHABLE',
        message: expect.stringContaining(`${a.address} port 2999 does not answer`) as unknown as string,
      });
    });

    it.each(['smtp', 'imap', 'pop3'] as const)('survive a %s server that hangs up', async (service) => {
      const says = service === 'pop3' ? '-ERR go away\r\n' : '';
      const rude = await listenAt(a.address, (socket) => socket.end(says));
      try {
        await expect(probed(SENDER, { [service]: rude.port })).rejects.toMatchObject({ code: 'PROBE_UNREACHABLE' });
      } finally {
        await rude.close();
      }
    });
  });

  describe('of a pair of nodes', () => {
    it('read on one what the other took, exactly once, and remove it', async () => {
      const { subject, seconds } = await paired();
      expect(subject).toMatch(/^icewarp-rollout probe \[A>B\] [0-9a-f]{16}$/);
      expect(seconds).toBeLessThan(10);
    });

    it('find a message that was delivered twice', async () => {
      nodes.copies = 2;
      await expect(paired()).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message: 'message A>B: expected it exactly once by IMAP, but it was there 2 times',
      });
    });

    it('find a message that was lost', async () => {
      nodes.copies = 0;
      await expect(paired()).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message: 'message A>B: expected it in probe-2@example.com’s inbox within 30 s, but it was not there',
      });
    });

    it('remove what an interrupted probe has left', async () => {
      nodes.deliver(`probe-2@${DOMAIN}`, Buffer.from('Subject: icewarp-rollout probe [A>B] 00112233\r\n\r\nold\r\n'));
      await expect(messagesLeft()).resolves.toBe(1);
      await paired();
    });

    it('do not count other mail, and leave it', async () => {
      const login = { user: `probe-2@${DOMAIN}`, password: PASSWORDS['probe-2'] };
      nodes.deliver(login.user, Buffer.from('Subject: a user’s own\r\n mail\r\n\r\nhello\r\n'));
      await paired();
      const pop3 = { address: a.address, port: PORTS.pop3 };
      await expect(pop3Count(pop3, login, 'own mail', context.signal)).resolves.toBe(1);
    });
  });

  describe('through the balancer', () => {
    const probe = (clientAddress: ClientAddress = 'hidden', node = 'B') =>
      probeBalancerAt(haproxy.places).run(
        {
          address: haproxy.address(30),
          ports: PORTS,
          clientAddress,
          ...(node === '' ? {} : { node }),
          domain: DOMAIN,
          sender: SENDER,
          recipient: RECIPIENT,
          reader: { ...a, imap: PORTS.imap },
        },
        context,
      );

    const lockout = () =>
      probeLockoutAt(haproxy.places).run(
        { address: haproxy.address(30), port: PORTS.smtp, domain: DOMAIN, known: SENDER, unknown: 'nobody-at-all' },
        context,
      );

    const balance = (clientAddress: ClientAddress = 'hidden') =>
      balancerAt(haproxy.places).apply(
        {
          file: haproxy.file,
          address: haproxy.address(30),
          services: (['smtp', 'imap', 'pop3'] as const).map((name) => ({
            name,
            port: PORTS[name],
            nodePort: PORTS[name],
            ...(name === 'smtp' ? { clientAddress } : {}),
          })),
          nodes: [
            { ...a, weight: 10, backup: true },
            { ...b, weight: 10, backup: false },
          ],
          accounts: { recipient: `probe-1@${DOMAIN}`, port: PORTS.smtp, clientAddress },
        },
        haproxy.context('balancer'),
      );

    const letIn = (node: string) =>
      admissionAt(haproxy.places).apply({ file: haproxy.file, node }, haproxy.context(`admission-${node}`));

    beforeAll(() => balance());

    afterEach(() => {
      nodes.relayFor = [];
      nodes.lockout = undefined;
      nodes.lost.clear();
    });

    it('say that nobody serves while no node is let in', async () => {
      await expect(probe('hidden', '')).rejects.toMatchObject({ code: 'PROBE_UNREACHABLE' });
      await expect(probe()).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message: expect.stringContaining('HAProxy’s checks of node B: expected every service to be up') as unknown,
      });
    });

    it('find an open relay before any message is sent', async () => {
      await letIn('B');
      nodes.takesAll = true;
      await expect(probe()).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message: expect.stringMatching(
          /from example.net to example.org .*open relay.*expected 5xx, but 250 came/,
        ) as unknown,
      });
    });

    it('find the balancer’s network among those that may relay', async () => {
      nodes.relayFor = [`${haproxy.address(0)}/24`];
      await expect(probe()).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message: expect.stringContaining('an open relay?') as unknown,
      });
    });

    it('prove that mail flows, that one client meets one node, and say that the client is hidden', async () => {
      const { checks } = await probe();
      expect(checks).toEqual([
        'HAProxy’s checks of B pass on 3 services',
        'mail from example.net to example.org without a login was refused (550)',
        expect.stringMatching(/^a message through the balancer was there once, after [\d.]+ s$/),
        `the node sees not the client’s address but the balancer’s (${haproxy.address(30)}), as the cluster file says`,
        expect.stringMatching(/^a message through the balancer was read at A, after [\d.]+ s$/),
        'all connections of one client met B',
        'a silent connection is kept for 35 minutes and more',
      ]);
    });

    it('find a hidden client where the cluster file says that the nodes see it', async () => {
      await expect(probe('transparent')).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message: expect.stringContaining(
          `expected the node to see ${haproxy.address(10)}, but in the message’s Received lines it wrote the balancer’s`,
        ) as unknown,
      });
    });

    it('find a client who locks everybody out, and nothing once the balancer is exempt', async () => {
      nodes.lockout = { after: 10, seconds: 3600 };
      await expect(lockout()).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message: expect.stringMatching(
          new RegExp(`^after 11 unknown names .*not served any more: exempt .* ${haproxy.address(30)} from intrusion`),
        ) as unknown,
      });
      nodes.lockout = { after: 10, seconds: 3600, exempt: [haproxy.address(30)] };
      await expect(lockout()).resolves.toEqual({
        checks: ['a client guessed 25 unknown names and was not blocked; another one was still served'],
      });
    });

    it('find a node that has lost its accounts, although another one serves', async () => {
      nodes.lost.add(a.address);
      await letIn('A');
      await expect(probe('hidden', 'A')).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message: expect.stringMatching(/checks of node A: .*accounts is DOWN \(L7RSP\).*does not take mail/) as unknown,
      });
      nodes.lost.clear();
      await expect(probe('hidden', 'A')).resolves.toBeDefined();
    });

    it('guess no names where users may be', async () => {
      await expect(lockout()).resolves.toEqual({
        checks: ['not tried: users may be there, more than one node is let in'],
      });
    });

    it('find a listener that does not read the PROXY headers it gets, and see the client where it does', async () => {
      await balance('proxy');
      await expect(probe('proxy')).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message: expect.stringContaining('the listener must read PROXY headers from it') as unknown,
      });
      nodes.proxyFrom.push(haproxy.address(30));
      const { checks } = await probe('proxy');
      expect(checks).toContain(`the node sees the client’s address (${haproxy.address(10)})`);
      nodes.proxyFrom.splice(0);
    });

    it('find a balancer that cuts off a client who is silent for less than IMAP IDLE may be', async () => {
      await balance();
      const ours = await readFile(haproxy.file, 'utf8');
      await writeFile(haproxy.file, ours.replaceAll('35m', '20m'));
      await haproxy.run('reload');
      await expect(probe()).rejects.toMatchObject({
        code: 'PROBE_FAILED',
        message:
          'time-outs of the balancer: expected a silent connection to be kept for more than 31 minutes, but HAProxy gives it up after 20',
      });
    });

    it('see the client in transparent mode, where the way back leads through this machine', async () => {
      await balance('transparent');
      const { checks } = await probe('transparent');
      expect(checks).toContain(`the node sees the client’s address (${haproxy.address(10)})`);
    });
  });
});
