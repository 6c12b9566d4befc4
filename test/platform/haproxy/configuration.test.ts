import { describe, expect, it } from '@jest/globals';

import { admittedNodes, nodesOf, withAdmission } from '../../../src/activities/haproxy/admitted.js';
import { renderConfiguration } from '../../../src/platform/haproxy/configuration.js';
import type { BalancerDesired } from '../../../src/platform/haproxy/desired.js';
import { provenanceOf } from '../../../src/platform/haproxy/seal.js';
import { SERVICES, type ServiceName } from '../../../src/cluster/services.js';

const DESIRED: BalancerDesired = {
  file: '/etc/haproxy/haproxy.cfg',
  address: '192.0.2.30',
  services: [
    { name: 'smtp', port: 25, nodePort: 2525 },
    { name: 'imaps', port: 993, nodePort: 993 },
    { name: 'https', port: 443, nodePort: 443 },
  ],
  nodes: [
    { id: 'A', address: '192.0.2.11', weight: 10, backup: true },
    { id: 'B', address: '192.0.2.12', weight: 20, backup: false },
    { id: 'mail-3', address: '192.0.2.13', weight: 10, backup: false },
  ],
};

function render(admitted: readonly string[], desired = DESIRED): string {
  return renderConfiguration(desired, new Set(admitted), '/run/haproxy/admin.sock');
}

/** The lines of one section, without the indentation. */
function section(text: string, title: string): string[] {
  const lines = text.split('\n');
  const from = lines.indexOf(title) + 1;
  const length = lines.slice(from).findIndex((line) => line !== '' && !line.startsWith(' '));
  return lines.slice(from, length === -1 ? undefined : from + length).map((line) => line.trim());
}

describe('the rendered configuration', () => {
  it('binds each service to the balancer’s address and sends it to the nodes’ port', () => {
    const text = render(['A', 'B', 'mail-3']);
    expect(section(text, 'frontend smtp')).toContain('bind 192.0.2.30:25');
    expect(section(text, 'backend smtp')).toEqual(
      expect.arrayContaining([
        'server A 192.0.2.11:2525 weight 10 source 192.0.2.30 check backup',
        'server B 192.0.2.12:2525 weight 20 source 192.0.2.30 check',
      ]),
    );
  });

  it('takes nodes that are not let in out of every service', () => {
    const text = render(['B']);
    expect(text.match(/server mail-3 .* disabled$/gm)).toHaveLength(3);
    expect(text.match(/server A .* backup disabled$/gm)).toHaveLength(3);
    expect(text).not.toMatch(/server B .* disabled/);
  });

  it('has one affinity table for all services, in which the backup never gets a client', () => {
    const text = render([]);
    expect(text.match(/stick-table/g)).toHaveLength(1);
    expect(text.match(/stick on src table affinity if node-up/g)).toHaveLength(3);
    expect(section(text, 'backend https')).toEqual(
      expect.arrayContaining(['acl node-up srv_is_up(https/B)', 'acl node-up srv_is_up(https/mail-3)']),
    );
    expect(text).not.toContain('srv_is_up(https/A)');
  });

  it('waits longer than IMAP IDLE everywhere and longer than an hour for web and chat', () => {
    const text = render([]);
    expect(section(text, 'defaults')).toEqual(
      expect.arrayContaining(['timeout client 35m', 'timeout server 35m', 'timeout tunnel 35m']),
    );
    expect(section(text, 'frontend https')).toContain('timeout client 65m');
    expect(section(text, 'backend https')).toEqual(
      expect.arrayContaining(['timeout server 65m', 'timeout tunnel 65m']),
    );
    expect(section(text, 'backend smtp').join()).not.toContain('timeout');
  });

  it.each(Object.keys(SERVICES) as ServiceName[])('never cuts off a silent client of %s too early', (name) => {
    const text = render([], { ...DESIRED, services: [{ name, port: 1, nodePort: 1 }] });
    const minutesOf = (title: string, kind: string): number | undefined => {
      const line = section(text, title).find((one) => one.startsWith(`timeout ${kind} `));
      const [, value, unit] = /(\d+)([smh])$/.exec(line ?? '') ?? [];
      return value === undefined ? undefined : Number(value) * { s: 1 / 60, m: 1, h: 60 }[unit as 's' | 'm' | 'h'];
    };
    const inForce = (title: string, kind: string): number => minutesOf(title, kind) ?? minutesOf('defaults', kind) ?? 0;
    const waits = {
      client: inForce(`frontend ${name}`, 'client'),
      server: inForce(`backend ${name}`, 'server'),
      tunnel: inForce(`backend ${name}`, 'tunnel'),
    };
    // IMAP IDLE is silent for 29 minutes; the long polls of ActiveSync and XMPP for up to an hour (procedure, rule 14)
    const atLeast = ['http', 'https', 'xmpp'].includes(name) ? 60 : 31;
    for (const [kind, minutes] of Object.entries(waits)) expect([kind, minutes > atLeast]).toEqual([kind, true]);
  });

  it('checks a TLS service by a handshake and verifies no certificate there', () => {
    expect(section(render(['B']), 'backend imaps')).toContain(
      'server B 192.0.2.12:993 weight 20 source 192.0.2.30 check check-ssl verify none',
    );
  });

  it('speaks to each node from its own address, with a PROXY header or from the client’s where the file says so', () => {
    const services = DESIRED.services.map((service, index) => ({
      ...service,
      clientAddress: (['proxy', 'hidden', 'transparent'] as const)[index] ?? 'hidden',
    }));
    const text = render(['B'], { ...DESIRED, services });
    expect(section(text, 'backend smtp')).toContain(
      'server B 192.0.2.12:2525 weight 20 source 192.0.2.30 send-proxy check',
    );
    expect(section(text, 'backend https')).toContain(
      'server B 192.0.2.12:443 weight 20 source 0.0.0.0 usesrc clientip check check-ssl verify none',
    );
    // HAProxy does not start as somebody else when it has to use foreign addresses
    expect(section(text, 'global')).not.toContain('user haproxy');
    expect(section(render(['B']), 'global')).toContain('user haproxy');
  });

  it('lets every service ask whether the node knows its accounts, and keeps all nodes where none does', () => {
    const text = render(['B'], { ...DESIRED, accounts: { recipient: 'probe-1@example.com', port: 2525 } });
    expect(section(text, 'frontend health')).toContain(
      'http-request return status 503 if { path /B } { nbsrv(accounts) gt 0 } !{ srv_is_up(accounts/B) }',
    );
    expect(section(text, 'backend accounts')).toEqual(
      expect.arrayContaining([
        'tcp-check send "RCPT TO:<probe-1@example.com>\\r\\n"',
        'server A 192.0.2.11:2525 weight 10 source 192.0.2.30 check disabled',
      ]),
    );
    for (const name of ['smtp', 'imaps', 'https']) {
      expect(section(text, `backend ${name}`)).toContain('tcp-check connect addr 127.0.0.1 port 1022');
    }
    expect(text).not.toMatch(/AUTH|LOGIN/);
  });

  it('writes IPv6 addresses in brackets and keeps them in a table of their kind', () => {
    const text = render([], { ...DESIRED, address: '2001:db8::30' });
    expect(text).toContain('bind [2001:db8::30]:25');
    expect(text).toContain('stick-table type ipv6');
  });
});

describe('the seal', () => {
  it('tells our own file from one edited by hand and from someone else’s', () => {
    const text = render(['B']);
    expect(provenanceOf(text)).toBe('ours');
    expect(provenanceOf(text.replace('weight 20', 'weight 21'))).toBe('edited');
    expect(provenanceOf('global\n    daemon\n')).toBe('foreign');
    expect(provenanceOf(null)).toBe('none');
  });
});

describe('letting a node in', () => {
  it('is read back from the file', () => {
    expect(nodesOf(render([]))).toEqual(['A', 'B', 'mail-3']);
    expect([...admittedNodes(render([]))]).toEqual([]);
    expect([...admittedNodes(render(['A', 'mail-3']))]).toEqual(['A', 'mail-3']);
  });

  it('changes the file to what rendering it with that node gives, and back', () => {
    const before = render(['B']);
    const after = withAdmission(before, 'A', true);
    expect(after).toBe(render(['A', 'B']));
    expect(withAdmission(after, 'A', false)).toBe(before);
  });

  it('changes nothing the second time', () => {
    const text = render(['B']);
    expect(withAdmission(text, 'B', true)).toBe(text);
    expect(withAdmission(text, 'A', false)).toBe(text);
  });
});
