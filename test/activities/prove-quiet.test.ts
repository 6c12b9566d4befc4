import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { incomingEmpties } from '../../src/activities/incoming-empties.js';
import { proveQuiet, type ProveQuietInput } from '../../src/activities/prove-quiet.js';
import { readMarker } from '../../src/activities/restart-marker.js';
import { stopServices } from '../../src/activities/stop-services.js';
import { ensureStarted, MODULES, runningModules } from '../../src/icewarp/control.js';
import { WATCHDOG } from '../../src/icewarp/variables.js';
import type { Platform } from '../../src/platform/platform.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';
import { listenAt } from '../support/listening.js';
import { pidIn } from '../support/processes.js';

let context: TestContext;
let icewarp: FakeIceWarp;
let input: ProveQuietInput;
let boots: boolean;
let undo: (() => unknown)[];
const message = (): string => join(context.folder, 'mail/example.com/jane/inbox/1.imap');

beforeEach(async () => {
  boots = false;
  undo = [];
  const services = { startsAtBoot: () => Promise.resolve(boots) } as Partial<Platform['services']>;
  context = await testContext({}, { services: services as Platform['services'] });
  const mail = join(context.folder, 'mail');
  icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), {
    [WATCHDOG.smtp]: '0',
    C_System_Storage_Dir_MailPath: `${mail}/`,
  });
  await mkdir(join(mail, 'example.com/jane/inbox'), { recursive: true });
  await writeFile(message(), 'hello');
  input = { directory: icewarp.directory, trees: [mail, join(context.folder, 'archive')], ports: [], addresses: [] };
});
afterEach(async () => {
  for (const one of undo) await one();
  await icewarp.stop();
  await context.remove();
});

const prove = (): Promise<unknown> => proveQuiet.run(input, context);
const refusal = (words: RegExp): object => ({ code: 'NOT_QUIET', message: expect.stringMatching(words) as unknown });

/** A process that belongs to nobody here and has the message open on its handle 3. */
async function stranger(how: '<' | '>>'): Promise<number> {
  const pid = join(context.folder, 'stranger.pid');
  const open = `exec 3${how}"$0"; echo $$ > "$1"; exec sleep 60`;
  spawn('sh', ['-c', `setsid sh -c '${open}' "$0" "$1" &`, message(), pid], { stdio: 'ignore' });
  const number = await pidIn(pid);
  undo.push(() => process.kill(number, 'SIGKILL'));
  return number;
}

describe('that a node is quiet', () => {
  it('is proven where nothing writes, though others read, and listen at other ports and addresses', async () => {
    await stranger('<');
    const { port, close } = await listenAt('127.0.0.1', () => undefined);
    undo.push(close);
    input = { ...input, ports: [port], addresses: ['127.0.0.9'] };
    expect(await prove()).toEqual({ seconds: expect.any(Number) });
  }, 20_000);

  it('is not while services run', async () => {
    await ensureStarted(icewarp.directory, context.signal);
    await expect(prove()).rejects.toMatchObject(refusal(/smtp still runs; .*icewarp\/control \(\d+\) still runs/));
  });

  it('is not while something would start them again', async () => {
    await icewarp.put(WATCHDOG.smtp, '1');
    boots = true;
    const words = /^the watchdog is on for smtp; icewarp starts with the machine$/;
    await expect(prove()).rejects.toMatchObject(refusal(words));
  });

  it('is not while somebody listens in their place', async () => {
    const { port, close } = await listenAt('127.0.0.1', () => undefined);
    undo.push(close);
    input = { ...input, ports: [port] };
    await expect(prove()).rejects.toMatchObject(refusal(new RegExp(`\\(${process.pid}\\) listens on port ${port}$`)));
  });

  it('names who has a file open for writing', async () => {
    const pid = await stranger('>>');
    await expect(prove()).rejects.toMatchObject(refusal(new RegExp(`^sleep \\(${pid}\\) writes ${message()}$`)));
  });

  it('is not while something changes between two looks, though nobody is seen to do it', async () => {
    const writing = setInterval(() => appendFileSync(message(), '.'), 50);
    undo.push(() => clearInterval(writing));
    await expect(prove()).rejects.toMatchObject(refusal(new RegExp(`^${message()} has just changed$`)));
  }, 20_000);
});

describe('services that are stopped for a move', () => {
  it('are noted, so that whatever ends the stop starts them again', async () => {
    await ensureStarted(icewarp.directory, context.signal);
    expect(await stopServices.run({ directory: icewarp.directory }, context)).toEqual({ seconds: expect.any(Number) });
    expect(await runningModules(icewarp.directory)).toEqual([]);
    await stopServices.run({ directory: icewarp.directory }, context);
    expect((await readMarker(context.agent)).stopped).toEqual(MODULES);
  });
});

describe('what has come in', () => {
  const empties = (limit: number): Promise<unknown> =>
    incomingEmpties.run({ directory: icewarp.directory, limit }, context);
  let waiting: string;

  beforeEach(async () => {
    waiting = join(context.folder, 'mail/_incoming/1.dat');
    await mkdir(join(context.folder, 'mail/_incoming'));
    await writeFile(waiting, 'hello');
  });

  it('is waited for while services deliver it', async () => {
    await ensureStarted(icewarp.directory, context.signal);
    const emptied = empties(60);
    await rm(waiting);
    expect(await emptied).toEqual({ left: 0, seconds: expect.any(Number) });
  });

  it('is counted when the time is over, and at once where no service could deliver it', async () => {
    expect(await empties(60)).toEqual({ left: 1, seconds: expect.any(Number) });
    await ensureStarted(icewarp.directory, context.signal);
    expect(await empties(0.2)).toEqual({ left: 1, seconds: expect.any(Number) });
  });
});
