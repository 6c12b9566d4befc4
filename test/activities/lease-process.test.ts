import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { leaseFile, type Lease } from '../../src/activities/lease-record.js';
import { noteOpened } from '../../src/activities/opened.js';
import { run } from '../cli/command-line.js';
import { eventually } from '../support/eventually.js';
import { pidIn } from '../support/processes.js';
import { agentFileOf, NEW, OLD, stoppedNode, type StoppedNode } from '../support/stopped-node.js';

const WORKER = join(import.meta.dirname, '../../src/worker.js');

let node: StoppedNode;
let file: string;
let log: string;
const agents: ChildProcess[] = [];

beforeEach(async () => {
  node = await stoppedNode();
  file = await agentFileOf(node);
  log = join(node.context.folder, 'agent.log');
});
afterEach(async () => {
  await Promise.all(agents.splice(0).map(kill));
  await node.remove();
});

/** The real agent of the node, as an operator starts it; no Temporal server answers there. */
function startAgent(): ChildProcess {
  const child = spawn(process.execPath, [WORKER, '--node', 'A', '--agent', file], {
    env: { ...process.env, TEMPORAL_ADDRESS: '127.0.0.1:1' },
    stdio: ['ignore', 'ignore', openSync(log, 'a')],
  });
  agents.push(child);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

const record = (): Promise<Lease | null> => leaseFile(node.agent).read();
const logged = async (words: string): Promise<boolean> => (await readFile(log, 'utf8')).includes(words);
const recover = (...args: string[]): ReturnType<typeof run> => run(['recover', '--local', '--agent', file, ...args]);

describe('the agent of a node whose services are stopped', () => {
  it('puts the old state back while Temporal is away, and when it is killed meanwhile the next one ends it', async () => {
    const script = join(node.icewarp.directory, 'icewarpd.sh');
    const text = await readFile(script, 'utf8');
    const begun = join(node.context.folder, 'begun');
    // the start of the services begins, and does not end
    await writeFile(script, text.replace('--start)', `--start) echo $$ >${begun}; exec sleep 600;`));
    await node.take();
    await node.apply();
    await node.renew(0.1);
    const first = startAgent();
    await pidIn(begun);
    expect(await record()).toMatchObject({ state: 'acting', alone: { done: 1 } });
    await kill(first);
    expect(await node.state()).toEqual({ ...OLD, serving: 0 });
    await writeFile(script, text);
    startAgent();
    await eventually('the next agent has acted', async () => (await record())?.state === 'acted');
    expect(await node.state()).toEqual(OLD);
    expect(await logged('ended what an earlier attempt had left running')).toBe(true);
  });

  it('is one process at a time', async () => {
    const first = startAgent();
    await eventually('it is at work', () => logged('cannot be reached'));
    await rm(log);
    startAgent();
    await eventually('the second waits', () => logged('waiting for the end of that'));
    expect(await logged('cannot be reached')).toBe(false);
    await kill(first);
    await eventually('the second is at work', () => logged('cannot be reached'));
  });
});

describe('recover --local', () => {
  it('puts back what was switched, by hand and beside no agent, and tells what becomes of the rollout', async () => {
    await node.take({ seconds: 0 });
    await node.switched();
    await node.apply();
    const agent = startAgent();
    await eventually('it says what can be done', () => logged('icewarp-rollout recover --local'));
    expect(await recover('--yes')).toMatchObject({ code: 1, err: expect.stringContaining('AGENT_RUNS') });
    await kill(agent);
    expect(await recover()).toMatchObject({ code: 2, err: expect.stringContaining('--yes') });
    expect(await node.state()).toEqual(NEW);

    const { code, out } = await recover('--yes');
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('A/settings:directories: directories') });
    expect(out).toContain('recover --local, has put the old state back');
    expect(await node.state()).toEqual(OLD);
    await expect(node.end(true)).rejects.toMatchObject({ type: 'LEASE_LOST' });
    expect(await recover('--json')).toMatchObject({ code: 0, out: expect.stringContaining('"event":"recovered"') });
  });

  it('leaves to rollback what users have worked with, and says where there is nothing to do', async () => {
    expect(await recover()).toMatchObject({ code: 0, out: expect.stringContaining('nothing to put back') });
    await node.take();
    await node.switched();
    await node.apply();
    await noteOpened(node.agent, 'storage', true);
    expect(await recover('--yes')).toMatchObject({ code: 1, err: expect.stringContaining('STAGE_OPENED') });
    expect(await node.state()).toEqual(NEW);
  });
});
