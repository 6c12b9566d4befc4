import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { eventually } from '../../support/eventually.js';
import { PASSWORD, send } from './clients.js';
import { Sandbox } from './sandbox.js';
import { CountingSink } from './sink.js';

const NET = `127.98.${(process.pid % 200) + 1}`;
const USER = 'ada@example.com';
const ELSEWHERE = 'someone@elsewhere.test';

/** Where mail waits that could not be sent, as path.dat lines 8, 9 and 13 say. */
const OLD = '/opt/icewarp/old';
const NEW = '/opt/icewarp/new';
const queuesIn = (folder: string): Record<number, string> => ({
  8: `${folder}/_outgoing/`,
  9: `${folder}/_outgoing/retry/`,
  13: `${folder}/_incoming/`,
});

let folder: string;
let sink: CountingSink;
let a: Sandbox;
let b: Sandbox;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'standin-queues-'));
  [a, b] = await Promise.all([
    Sandbox.start(folder, 'first', `${NET}.12`),
    Sandbox.start(folder, 'second', `${NET}.13`),
  ]);
  for (const node of [a, b]) {
    await node.install('--user', 'icewarp');
    await node.run('install', '-d', '-o', 'icewarp', OLD, NEW);
  }
  await a.tool('create', 'domain', 'example.com');
  await a.tool('create', 'account', USER, 'u_password', PASSWORD);
});

afterAll(async () => {
  await Promise.all([a.stop(), b.stop()]);
  await rm(folder, { recursive: true, force: true });
});

/** Each test begins with stopped servers on empty old queues, without a way to other domains. */
beforeEach(async () => {
  sink = await CountingSink.start(`${NET}.99`);
  for (const node of [a, b]) {
    await node.services('--stop');
    await node.run('sh', '-c', `rm -rf ${OLD}/* ${NEW}/*`);
    await node.writePathDat(queuesIn(OLD));
    await node.changeLab({ relaySink: undefined });
  }
});

afterEach(() => sink.stop());

const onDisk = (node: Sandbox, path: string): string => join(node.root, path);
const waiting = (node: Sandbox, queues: string): Promise<string[]> =>
  readdir(onDisk(node, `${queues}/_outgoing/retry`)).catch(() => []);

/** A message for another domain that A has taken with 250, and that waits. */
async function queuedAtA(subject: string): Promise<void> {
  await a.services('--start');
  expect(await send(a, { to: ELSEWHERE, as: USER, subject })).toBe(250);
  await eventually(`"${subject}" waits`, async () => (await waiting(a, OLD)).length === 1);
}

/** The way to other domains is open, and everything that a server knows of has gone out. */
async function emptied(...nodes: Sandbox[]): Promise<void> {
  for (const node of nodes) await node.changeLab({ relaySink: { host: sink.host, port: sink.port } });
  const isEmpty = async (node: Sandbox): Promise<boolean> =>
    (await Promise.all([waiting(node, OLD), waiting(node, NEW)])).every((names) => names.length === 0);
  await eventually('the queues are empty', async () => (await Promise.all(nodes.map(isEmpty))).every(Boolean));
}

describe('the queues of a stand-in', () => {
  it('end with the message in hand when the server is stopped: it does not go out twice', async () => {
    sink.delay = 1000;
    await a.changeLab({ relaySink: { host: sink.host, port: sink.port } });
    await a.services('--start');
    for (const subject of ['in hand', 'behind it']) {
      expect(await send(a, { to: ELSEWHERE, as: USER, subject })).toBe(250);
    }
    await eventually('the first one is on its way', () => sink.times('in hand') === 1);
    await a.services('--stop');
    expect([sink.times('in hand'), sink.times('behind it')]).toEqual([1, 0]);
    sink.delay = 0;
    await a.services('--start');
    await eventually('the second one came', () => sink.times('behind it') === 1);
    expect(sink.times('in hand')).toBe(1);
  });

  it('keep outgoing mail for as long as the lab says before the next run', async () => {
    await a.changeLab({ relaySink: { host: sink.host, port: sink.port }, senderPeriod: 3600 });
    await a.services('--start');
    expect(await send(a, { to: ELSEWHERE, as: USER, subject: 'waits' })).toBe(250);
    const outgoing = async (): Promise<string[]> => readdir(onDisk(a, `${OLD}/_outgoing`)).catch(() => []);
    await eventually('it waits', async () => (await outgoing()).some((name) => name.endsWith('.dat')));
    await a.services('--stop');
    await a.changeLab({ senderPeriod: undefined });
    await a.services('--start');
    await eventually('it came', () => sink.times('waits') === 1);
  });

  it('send mail twice when they were copied to another server while they were in use', async () => {
    await queuedAtA('copied live');
    await b.run('mkdir', '-p', `${OLD}/_outgoing/retry`);
    for (const name of await waiting(a, OLD)) {
      const from = onDisk(a, `${OLD}/_outgoing/retry/${name}`);
      await a.run('cp', '-a', from, onDisk(b, `${OLD}/_outgoing/retry/`));
    }
    await b.run('chown', '-R', 'icewarp', OLD);
    await b.services('--start');
    await emptied(a, b);
    expect(sink.times('copied live')).toBe(2);
  });

  it('leave mail behind that was taken with 250 when path.dat names others, until it is moved', async () => {
    await queuedAtA('left behind');
    await a.services('--stop');
    await a.writePathDat(queuesIn(NEW));
    await a.services('--start');
    await a.changeLab({ relaySink: { host: sink.host, port: sink.port } });
    expect(await send(a, { to: ELSEWHERE, as: USER, subject: 'later' })).toBe(250);
    // longer than the server takes to work through its queues: what it knows of has gone out
    await eventually('the later message came', () => sink.times('later') === 1);
    expect(await send(a, { to: ELSEWHERE, as: USER, subject: 'still later' })).toBe(250);
    await eventually('the one after it came', () => sink.times('still later') === 1);
    expect(sink.times('left behind')).toBe(0);
    expect(await waiting(a, OLD)).toHaveLength(1);

    await a.run('mkdir', '-p', `${NEW}/_outgoing/retry`);
    await a.run('sh', '-c', `mv ${OLD}/_outgoing/retry/* ${NEW}/_outgoing/retry/ && chown -R icewarp ${NEW}`);
    await emptied(a);
    expect([sink.times('left behind'), sink.times('later'), sink.times('still later')]).toEqual([1, 1, 1]);
  });
});
