import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';

import type { Balancing } from '../../src/cli/lb-render.js';
import { exampleCluster } from '../workflows/example-cluster.js';
import { run } from './command-line.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-lb-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function clusterFile(name: string, balancer: Record<string, unknown> = {}): string {
  const file = join(folder, `${name}.yaml`);
  const cluster = exampleCluster('t');
  writeFileSync(file, stringify({ ...cluster, balancer: { ...cluster.balancer, ...balancer } }));
  return file;
}

describe('lb render', () => {
  it('prints what any balancer needs, also where the product sets up none', async () => {
    const { code, out } = await run(['lb', 'render', clusterFile('own', { kind: 'none' })]);
    expect(code).toBe(0);
    expect(out).toContain('Clients use 192.0.2.30 only.');
    expect(out).toMatch(/smtp +25 → 25 +35 min +greeting 220, HELO, 250 +a PROXY header/);
    expect(out).toMatch(/A +192\.0\.2\.11 +10 +backup/);
    expect(out).toMatch(/one table of clients for all ports.*10 hours/);
    expect(out).toMatch(/out after 3 failures in a row.*no check logs in/);
    expect(out).toMatch(/RCPT TO:<probe-1@example\.com>/);
    expect(out).toMatch(/exempt from intrusion prevention.*never among the trusted or relay hosts/);
    expect(out).toMatch(/Not balanced\n.*UDP[^]*FTP/);
  });

  it('says the same as JSON', async () => {
    const { out } = await run(['lb', 'render', clusterFile('json'), '--json']);
    const { services, nodes } = JSON.parse(out) as Balancing;
    expect(services.map(({ name, silentMinutes }) => [name, silentMinutes > 31])).toEqual([
      ['smtp', true],
      ['imap', true],
      ['pop3', true],
    ]);
    expect(nodes.map(({ id, backup }) => [id, backup])).toEqual([
      ['A', true],
      ['B', false],
    ]);
  });

  it('prints a configuration that HAProxy takes, whatever the clients’ address', async () => {
    for (const clientAddress of ['hidden', 'proxy', 'transparent']) {
      const services = ['smtp', 'imaps', 'https', 'xmpp'].map((name) => ({ name }));
      const file = clusterFile(clientAddress, { services, clientAddress });
      const { out } = await run(['lb', 'render', file, '--product', 'haproxy']);
      const written = join(folder, `${clientAddress}.cfg`);
      writeFileSync(written, out);
      execFileSync('haproxy', ['-c', '-f', written], { stdio: 'ignore' });
    }
  });

  it('refuses a file that does not say what clients use', async () => {
    const { code, err } = await run(['lb', 'render', clusterFile('little', { kind: 'none', services: undefined })]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('balancer.services') });
  });
});
