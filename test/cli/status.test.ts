import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { dirname, join } from 'node:path';

import { beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';

import type { rollout } from '../../src/workflows/rollout.js';
import {
  command,
  MINUTE,
  newCluster,
  runWorkers,
  start,
  stepIs,
  stopWorkers,
  useTemporal,
  world,
} from '../workflows/harness.js';
import { run, said, type Ran } from './command-line.js';
import { beginOn, clusterFile, runOn, useFolder } from './temporal.js';

useTemporal();
useFolder();

const HELD = 'control/database:iw_accounts';
const KEPT = ['the licence stays activated', 'mail that arrived meanwhile'];

/** Milliseconds of a `status` to which a healthy server answers at once: what a command takes on this machine now. */
let baseline: number;

beforeAll(async () => {
  newCluster();
  const { took, code } = await timed(() => runOn('status'));
  expect(code).toBe(1);
  baseline = took;
}, MINUTE);

async function timed(work: () => Promise<Ran>): Promise<Ran & { readonly took: number }> {
  const began = Date.now();
  const ran = await work();
  return { ...ran, took: Date.now() - began };
}

async function heldRollout(): Promise<WorkflowHandle<typeof rollout>> {
  newCluster();
  world.failures.set(`database.apply ${HELD}`, { times: 1, code: 'DATABASE_DENIED', message: 'access denied' });
  await runWorkers();
  const handle = await start();
  await stepIs(handle, HELD, 'held');
  return handle;
}

describe('report', () => {
  it(
    'tells what a rollout took, who decided what, and how much of it Temporal keeps',
    async () => {
      const handle = await heldRollout();
      await command(handle, 'retry');
      await handle.result();
      const { code, out } = await runOn('report', '--json');
      expect({ code, report: JSON.parse(out) as unknown }).toMatchObject({
        code: 0,
        report: {
          state: 'COMPLETED',
          verb: 'start',
          steps: { done: expect.any(Number) },
          stops: [],
          acts: [{ by: 'tester@test', what: 'retry' }],
          history: { events: expect.any(Number), bytes: expect.any(Number) },
        },
      });
      const html = join(dirname(await clusterFile()), 'report.html');
      expect((await runOn('report', '--html', html)).out).toMatch(/^start of .*: completed\n/);
      expect(await readFile(html, 'utf8')).toMatch(/<h2>Time line<\/h2>\n<figure><svg [^]*database/);
    },
    2 * MINUTE,
  );
});

describe('status', () => {
  it(
    'tells without a control worker why a step is held and what to type, within 5 s',
    async () => {
      await heldRollout();
      await stopWorkers();
      const { code, out, took } = await timed(() => runOn('status'));
      const file = await clusterFile();
      expect({ code, out }).toMatchObject({ code: 4 });
      expect(out).toContain('what happened: access denied');
      expect(out).toContain(`icewarp-rollout retry ${file} --step '${HELD}'`);
      expect(out).toContain(`icewarp-rollout rollback ${file}`);
      expect(out).toContain('icewarp-rollout worker --control');
      expect(took - baseline).toBeLessThan(5_000);
    },
    MINUTE,
  );

  it(
    'is bounded also where a server takes connections and never answers',
    async () => {
      const open = new Set<Socket>();
      const server = createServer((socket) => open.add(socket)).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      const file = await clusterFile();
      const silent = { TEMPORAL_ADDRESS: `127.0.0.1:${port}` };
      const tries: number[] = [];
      for (let look = 0; look < 3 && !tries.some((took) => took - baseline < 5_000); look += 1) {
        const { code, err, took } = await timed(() => run(['status', file], silent));
        expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('TEMPORAL_UNREACHABLE') });
        tries.push(took);
      }
      for (const socket of open) socket.destroy();
      server.close();
      // the quickest of several: what else the machine is busy with may delay one of them
      expect(Math.min(...tries) - baseline).toBeLessThan(5_000);
    },
    MINUTE,
  );

  it(
    'and watch tell the end of a rollback, with all that it left, when no control worker is there any more',
    async () => {
      const handle = await heldRollout();
      world.kept.set('share/shareFolders', KEPT);
      await command(handle, 'rollback');
      await handle.result();
      await stopWorkers();

      const [status, json, watch, lines] = await Promise.all([
        runOn('status'),
        runOn('status', '--json'),
        runOn('watch'),
        runOn('watch', '--json'),
      ]);
      for (const { code, out } of [status, watch]) {
        expect({ code, out }).toEqual({ code: 3, out: expect.stringContaining('rolled back') });
        for (const line of KEPT) expect(out).toContain(`left in place: share: ${line}`);
      }
      const end = { outcome: 'rolled back', kept: KEPT.map((line) => `share: ${line}`), undoable: 0 };
      expect(json.code).toBe(3);
      expect(JSON.parse(json.out)).toMatchObject({ state: 'COMPLETED', end, status: null });
      expect(lines.code).toBe(3);
      expect(JSON.parse(lines.out)).toMatchObject({ event: 'end', ...end });
    },
    2 * MINUTE,
  );

  it(
    'and watch tell why a rollout failed',
    async () => {
      newCluster();
      world.waysBack.push('A/pathDat');
      await runWorkers();
      await expect((await start()).result()).rejects.toThrow();
      for (const ran of [await runOn('status'), await runOn('watch')]) {
        expect(ran).toMatchObject({ code: 1, out: expect.stringMatching(/still keeps the originals.*\(VAULT_OPEN\)/) });
      }
    },
    MINUTE,
  );
});

describe('watch', () => {
  it(
    'says that the rollout is paused, how to go on, and that it goes on',
    async () => {
      const handle = await heldRollout();
      const watching = async (): Promise<Ran> => {
        const watch = await beginOn('watch');
        await said(watch, /PAUSED .*icewarp-rollout resume/);
        await command(handle, 'resume');
        return watch.ended;
      };
      await command(handle, 'pause');
      await command(handle, 'retry');
      expect(await watching()).toMatchObject({ code: 0, out: expect.stringContaining('Goes on after the pause.') });
    },
    MINUTE,
  );
});
