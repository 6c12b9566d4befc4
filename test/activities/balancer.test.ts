import { once } from 'node:events';
import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { admissionAt } from '../../src/activities/admission.js';
import { balancerAt } from '../../src/activities/balancer.js';
import type { BalancerDesired } from '../../src/platform/haproxy/desired.js';
import { askHaproxy } from '../../src/activities/haproxy/runtime.js';
import { statesNow } from '../../src/activities/haproxy/states.js';
import { eventually } from '../support/eventually.js';
import { OwnHaproxy } from './haproxy/own-haproxy.js';
import { nodeMet, SmtpNode } from './haproxy/smtp-node.js';

const FOREIGN = 'defaults\n    mode tcp\n    timeout connect 5s\n    timeout client 5s\n    timeout server 5s\n';

describe('the balancer on a real HAProxy', () => {
  let haproxy: OwnHaproxy;
  let desired: BalancerDesired;
  let nodes: SmtpNode[];

  beforeAll(async () => {
    haproxy = await OwnHaproxy.prepare();
    const at = (last: number): string => haproxy.address(last);
    nodes = await Promise.all([
      SmtpNode.start('A', at(11), 2525),
      SmtpNode.start('B', at(12), 2525),
      SmtpNode.start('C', at(13), 2525),
    ]);
    desired = {
      file: haproxy.file,
      address: at(30),
      services: [
        { name: 'smtp', port: 2525, nodePort: 2525 },
        { name: 'submission', port: 2587, nodePort: 2525 },
      ],
      nodes: [
        { id: 'A', address: at(11), weight: 10, backup: true },
        { id: 'B', address: at(12), weight: 10, backup: false },
        { id: 'C', address: at(13), weight: 10, backup: false },
      ],
      accounts: { recipient: 'probe-1@example.com', port: 2525 },
    };
  });

  afterAll(async () => {
    await haproxy.remove();
    for (const node of nodes) node.close();
  });

  beforeEach(async () => {
    await haproxy.run('stop');
    await rm(haproxy.file, { force: true });
    await haproxy.context('balancer').vault.close();
  });

  const balancer = () => balancerAt(haproxy.places);
  const admission = () => admissionAt(haproxy.places);

  async function observed() {
    return await balancer().observe(desired, haproxy.context('balancer'));
  }

  async function applied(): Promise<void> {
    await balancer().apply(desired, haproxy.context('balancer'));
  }

  async function letIn(node: string): Promise<void> {
    await admission().apply({ file: haproxy.file, node }, haproxy.context(`admission-${node}`));
  }

  const met = (port = 2525): Promise<string> => nodeMet(desired.address, port);

  /** What HAProxy's health checks say of a node. */
  async function stateOf(service: string, node: string): Promise<string | undefined> {
    const states = await statesNow(haproxy.places.socket, new AbortController().signal);
    return states.find((state) => state.service === service && state.node === node)?.status;
  }

  it('says what it would do where there is nothing', async () => {
    const before = await observed();
    expect(before).toMatchObject({ provenance: 'none', sha256: null, running: false });
    expect(balancer().diff(desired, before)).toEqual([
      {
        what: 'HAProxy’s configuration',
        before: 'no file',
        after: expect.stringContaining('A (backup), B, C') as unknown as string,
      },
      { what: 'HAProxy', before: 'not running', after: 'running' },
    ]);
  });

  it('starts HAProxy with no node let in, and finds nothing to do afterwards', async () => {
    await applied();
    const after = await observed();
    expect(after).toMatchObject({ provenance: 'ours', running: true, loaded: true, admitted: [] });
    expect(balancer().diff(desired, after)).toEqual([]);
    expect((await stat(haproxy.file)).mode & 0o777).toBe(0o644);
    expect((await stat(haproxy.places.socket)).mode & 0o777).toBe(0o600);
    await expect(met()).resolves.toBe('nobody');
  });

  it('lets nodes in one by one and keeps them when it is applied again', async () => {
    await applied();
    await letIn('B');
    await expect(met()).resolves.toBe('B');
    await letIn('C');
    const change = {
      ...desired,
      services: [...desired.services, { name: 'xmpp', port: 2222, nodePort: 2525 } as const],
    };
    await balancer().apply(change, haproxy.context('balancer'));
    const after = await balancer().observe(change, haproxy.context('balancer'));
    expect(after).toMatchObject({ admitted: ['B', 'C'], loaded: true });
  });

  it('brings a client to the same node on every service, also after a reload', async () => {
    await applied();
    await letIn('B');
    await letIn('C');
    const first = await met();
    for (const port of [2525, 2587, 2525, 2587]) await expect(met(port)).resolves.toBe(first);
    await letIn('A');
    await eventually('the new process has found A healthy', async () => (await stateOf('smtp', 'A')) === 'UP');
    for (const port of [2525, 2587, 2525, 2587]) await expect(met(port)).resolves.toBe(first);
  });

  it('uses the master only while no other node serves, and leaves it when one does again', async () => {
    await applied();
    await letIn('A');
    await expect(met()).resolves.toBe('A');
    await letIn('B');
    await expect(met()).resolves.toBe('B');
    await askHaproxy(haproxy.places.socket, 'set server smtp/B state maint', new AbortController().signal);
    await expect(met()).resolves.toBe('A');
    await askHaproxy(haproxy.places.socket, 'set server smtp/B state ready', new AbortController().signal);
    await eventually('B is met again', async () => (await met()) === 'B');
  });

  it('takes over a file that was written but not loaded before a crash', async () => {
    await applied();
    const running = await readFile(haproxy.file);
    await letIn('B');
    const written = await readFile(haproxy.file);
    await writeFile(haproxy.file, running);
    await haproxy.run('reload');
    await writeFile(haproxy.file, written);
    await eventually('the older configuration runs', async () => (await observed())?.loaded === false);
    const before = await observed();
    expect(balancer().diff(desired, before)).toEqual([
      { what: 'HAProxy', before: 'runs an older configuration', after: 'runs this one' },
    ]);
    await applied();
    expect(balancer().diff(desired, await observed())).toEqual([]);
    await expect(met()).resolves.toBe('B');
  });

  it('names the line that HAProxy refuses and leaves the file as it was', async () => {
    const wrong = { ...desired, nodes: desired.nodes.map((node) => ({ ...node, weight: 999 })) };
    await writeFile(haproxy.file, FOREIGN);
    await expect(balancer().apply(wrong, haproxy.context('balancer'))).rejects.toMatchObject({
      code: 'BALANCER_REJECTED',
      message: expect.stringMatching(/line \d+ \("server A .*weight 999/) as unknown as string,
    });
    await expect(readFile(haproxy.file, 'utf8')).resolves.toBe(FOREIGN);
    await expect(haproxy.running()).resolves.toBe(false);
  });

  it('says that the address or a port is not free when HAProxy cannot start', async () => {
    const taken = await SmtpNode.start('other', desired.address, 2587);
    try {
      await expect(applied()).rejects.toMatchObject({ code: 'BALANCER_DOWN' });
    } finally {
      taken.close();
    }
    await applied();
    expect(balancer().diff(desired, await observed())).toEqual([]);
  });

  it('takes a node out again when its admission is undone', async () => {
    await applied();
    await letIn('B');
    const step = { file: haproxy.file, node: 'C' };
    const context = haproxy.context('admission-C');
    const before = await admission().observe(step, context);
    const file = await readFile(haproxy.file, 'utf8');
    await admission().apply(step, context);
    for (let twice = 0; twice < 2; twice++) {
      await expect(admission().restore(step, before, context)).resolves.toEqual([]);
    }
    await expect(readFile(haproxy.file, 'utf8')).resolves.toBe(file);
    expect(await observed()).toMatchObject({ admitted: ['B'], loaded: true });
  });

  it('will not let a node in that the file does not name, nor seal someone’s edits as its own', async () => {
    await applied();
    await expect(letIn('D')).rejects.toMatchObject({ code: 'BALANCER_REJECTED' });
    await writeFile(haproxy.file, `${await readFile(haproxy.file, 'utf8')}# by hand\n`);
    await expect(letIn('B')).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
  });

  it('goes back to no file and no process where there were none', async () => {
    const before = await observed();
    await applied();
    await letIn('B');
    const context = haproxy.context('balancer');
    for (let twice = 0; twice < 2; twice++) {
      await expect(balancer().restore(desired, before, context)).resolves.toEqual([]);
      expect(await observed()).toEqual(before);
    }
  });

  it('goes back to the original configuration, its mode and a process that runs it', async () => {
    // As Debian's package brings it: it runs, and serves nobody.
    const original = `global\n    stats socket ${haproxy.places.socket} mode 600 level admin\n${FOREIGN}`;
    await writeFile(haproxy.file, original);
    await chmod(haproxy.file, 0o640);
    await haproxy.run('start');
    const before = await observed();
    expect(before).toMatchObject({ provenance: 'foreign', running: true, loaded: false });
    await applied();
    await letIn('B');
    const context = haproxy.context('balancer');
    for (let twice = 0; twice < 2; twice++) {
      await expect(balancer().restore(desired, before, context)).resolves.toEqual([]);
      expect(await observed()).toEqual(before);
    }
    await expect(readFile(haproxy.file, 'utf8')).resolves.toBe(original);
  });

  it.each(['frontend own', 'listen own'])('will not put “%s” of someone else out of service', async (section) => {
    const original = `${FOREIGN}${section}\n    bind ${desired.address}:2999\n`;
    await writeFile(haproxy.file, original);
    await haproxy.run('start');
    const before = await observed();
    await expect(applied()).rejects.toMatchObject({ code: 'BALANCER_FOREIGN' });
    expect(await observed()).toEqual(before);
    await expect(balancer().restore(desired, before, haproxy.context('balancer'))).resolves.toEqual([]);
    expect(await observed()).toEqual(before);
    await expect(
      once(
        connect(2999, desired.address).on('error', () => undefined),
        'connect',
      ),
    ).resolves.toBeDefined();
  });

  it('is put in force once the operator has freed the file, and the way back knows the first one', async () => {
    const original = `${FOREIGN}listen own\n    bind ${desired.address}:2999\n`;
    await writeFile(haproxy.file, original);
    const before = await observed();
    await expect(applied()).rejects.toMatchObject({ code: 'BALANCER_FOREIGN' });
    await rm(haproxy.file);
    await applied();
    await expect(balancer().restore(desired, before, haproxy.context('balancer'))).resolves.toEqual([]);
    await expect(readFile(haproxy.file, 'utf8')).resolves.toBe(original);
  });

  it('is not stopped on the way back where someone else has taken it over', async () => {
    const before = await observed();
    await applied();
    await writeFile(haproxy.file, `${await readFile(haproxy.file, 'utf8')}# by hand\n`);
    await expect(balancer().restore(desired, before, haproxy.context('balancer'))).rejects.toMatchObject({
      code: 'CHANGED_MEANWHILE',
    });
    await expect(haproxy.running()).resolves.toBe(true);
  });

  it('is not stopped on the way back where it runs on its former file, which someone has started since', async () => {
    await writeFile(haproxy.file, `${FOREIGN}listen own\n    bind ${desired.address}:2999\n`);
    const before = await observed();
    expect(before).toMatchObject({ running: false });
    await haproxy.run('start');
    await expect(balancer().restore(desired, before, haproxy.context('balancer'))).resolves.toEqual([]);
    await expect(haproxy.running()).resolves.toBe(true);
  });

  it('does not put the original back over someone’s later work', async () => {
    const before = await observed();
    await applied();
    await writeFile(haproxy.file, FOREIGN);
    await expect(balancer().restore(desired, before, haproxy.context('balancer'))).rejects.toMatchObject({
      code: 'CHANGED_MEANWHILE',
    });
    await expect(readFile(haproxy.file, 'utf8')).resolves.toBe(FOREIGN);
  });
});
