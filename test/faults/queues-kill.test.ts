import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { runCommand } from '../../src/platform/run.js';
import { spread } from './points.js';
import { killAt, traceChanges, type Command } from './strace.js';

const MOVER = join(import.meta.dirname, 'fixtures/move-queues.js');
/** How many calls of a move are tried; all of them with POINTS=all. */
const POINTS = process.env['POINTS'] === 'all' ? Infinity : Number(process.env['POINTS'] ?? 12);
const TEN_MINUTES = 600_000;
const MESSAGES = ['_outgoing/1.dat', '_outgoing/2.dat', '_outgoing/retry/3.dat', '_incoming/4.dat'];

let root: string;
let scene: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'icewarp-rollout-queues-'));
  scene = join(root, 'scene');
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

type Direction = 'there' | 'back';

/** In one thread, so that calls come in the same order in every run. */
const mover = (direction: Direction): Command => ({
  file: process.execPath,
  args: [MOVER, scene, direction],
  env: { UV_THREADPOOL_SIZE: '1' },
});

function makeScene(): void {
  for (const folder of ['old/_outgoing/retry', 'old/_incoming', 'new/_outgoing/retry', 'new/_incoming', 'state']) {
    mkdirSync(join(scene, folder), { recursive: true });
  }
  for (const message of MESSAGES) writeFileSync(join(scene, 'old', message), message);
}

async function move(direction: Direction): Promise<string> {
  const { stdout } = await runCommand(process.execPath, [MOVER, scene, direction], { accept: [0, 1] });
  return stdout;
}

/** Messages where services look, by their names, which are different. */
function waiting(): readonly string[] {
  const folder = join(scene, existsSync(join(scene, 'switched')) ? 'new' : 'old');
  return ['_outgoing', '_outgoing/retry', '_incoming'].flatMap((queue) => {
    const path = join(folder, queue);
    if (!existsSync(path)) return [];
    return readdirSync(path)
      .filter((name) => name.endsWith('.dat'))
      .map((name) => join(path, name));
  });
}

/** What services do with some of the messages where they look: they are sent, and are gone. */
function send(most: number): readonly string[] {
  return waiting()
    .slice(0, most)
    .map((file) => {
      rmSync(file);
      return basename(file);
    });
}

/** Removes messages where services do not look. */
function forget(names: readonly string[]): void {
  const folder = join(scene, existsSync(join(scene, 'switched')) ? 'old' : 'new');
  for (const message of MESSAGES) if (names.includes(basename(message))) rmSync(join(folder, message), { force: true });
}

/** Kills the mover before each call that changes something, goes on, sends all, and says what was not sent once. */
async function sweep(direction: Direction, meanwhile: number): Promise<{ kills: number; wrong: readonly string[] }> {
  const saved = join(root, 'saved');
  rmSync(saved, { recursive: true, force: true });
  cpSync(scene, saved, { recursive: true, preserveTimestamps: true });
  const traced = await traceChanges(mover(direction), [scene]);
  expect({ exitCode: traced.exitCode, stdout: traced.stdout }).toEqual({ exitCode: 0, stdout: '' });
  const wrong: string[] = [];
  let kills = 0;
  for (const { point } of spread(traced.changes, POINTS)) {
    rmSync(scene, { recursive: true, force: true });
    cpSync(saved, scene, { recursive: true, preserveTimestamps: true });
    const { hit } = await killAt(mover(direction), point);
    if (hit === undefined) continue;
    kills += 1;
    const sent = [...send(meanwhile)];
    let said = await move(direction);
    if (said === 'QUEUE_FOREIGN' && sent.length > 0) {
      // of a message that is in one place only the product cannot know whether it was sent: a person looks
      forget(sent);
      said = await move(direction);
    }
    if (said !== '') wrong.push(`${hit}: ${said}`);
    sent.push(...send(Infinity));
    if (sent.sort().join() !== MESSAGES.map((name) => basename(name)).join()) wrong.push(`${hit}: sent ${sent.join()}`);
  }
  return { kills, wrong };
}

/** Between a kill and the next try services may run: an operator starts them, or a machine that comes back does. */
describe.each([
  ['with no service meanwhile', 0],
  ['with services that send two messages meanwhile', 2],
] as const)('queues whose move is killed anywhere, %s,', (_, meanwhile) => {
  it(
    'give every message once: on the way there',
    async () => {
      rmSync(scene, { recursive: true, force: true });
      makeScene();
      const { kills, wrong } = await sweep('there', meanwhile);
      expect(wrong).toEqual([]);
      expect(kills).toBeGreaterThan(5);
    },
    TEN_MINUTES,
  );

  it(
    'give every message once: on the way back',
    async () => {
      rmSync(scene, { recursive: true, force: true });
      makeScene();
      expect(await move('there')).toBe('');
      const { kills, wrong } = await sweep('back', meanwhile);
      expect(wrong).toEqual([]);
      expect(kills).toBeGreaterThan(5);
    },
    TEN_MINUTES,
  );
});
