import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { PassResult } from '../../src/transfer/types.js';
import { manifest } from '../support/trees/manifest.js';
import { newSeed, Random } from '../support/trees/random.js';
import { torn, unequal } from './engine-scenario.js';
import { makeMailScene, type MailScene } from './mail-scene.js';

const FILES = 12_000;
const KILLS = 20;
const AGENT = join(import.meta.dirname, 'fixtures/agent-copy.js');
const FIVE_MINUTES = 300_000;

const seed = newSeed();
const random = new Random(seed);
let scene: MailScene;

beforeAll(() => {
  scene = makeMailScene('agent-kill', seed, FILES);
});
afterAll(() => scene.remove());

/** The agent begins, or goes on with, the first copy; its engine is a process below it. */
function startAgent({ sides }: MailScene): ChildProcess {
  return fork(AGENT, [sides.ledger, sides.source, sides.destination]);
}

describe('an agent that is killed again and again while it copies', () => {
  it(
    'has copied the whole tree in the end: its successor waits for the engine that it left, and goes on',
    async () => {
      const { disk, sides } = scene;
      const wrong: string[] = [];
      const contents = manifest(sides.source);
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const agent = startAgent(scene);
        const ended = once(agent, 'exit');
        const wanted = disk.count() + random.between(0, 250);
        const patience = Date.now() + 30_000;
        while (disk.count() < wanted && Date.now() < patience && agent.exitCode === null) await sleep(2);
        await sleep(random.between(0, 20));
        if (agent.exitCode !== null) wrong.push(`kill ${kill}: it had ended before`);
        agent.kill('SIGKILL');
        await ended;
        wrong.push(...torn(sides, contents).map((path) => `kill ${kill}: torn ${path}`));
      }
      expect(wrong).toEqual([]);
      const [result] = (await lastMessage(startAgent(scene))) as [PassResult];
      expect(result).toMatchObject({ kind: 'seed', outcome: 'done', skipped: 0 });
      // whose folder it is and what it shows is the share's business
      chmodSync(sides.destination, 0o755);
      chmodSync(sides.source, 0o755);
      const now = new Date();
      for (const side of [sides.source, sides.destination]) utimesSync(side, now, now);
      expect(unequal(sides)).toEqual([]);
    },
    FIVE_MINUTES,
  );
});

/** What an agent tells last, once it has ended. */
async function lastMessage(agent: ChildProcess): Promise<unknown[]> {
  let last: unknown;
  agent.on('message', (message) => (last = message));
  const [code] = (await once(agent, 'exit')) as [number | null];
  expect(code).toBe(0);
  return [last];
}
