import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { phpIni, type PhpIniDesired } from '../../src/activities/php-ini.js';
import { redisAnswers } from '../../src/activities/redis-answers.js';
import { readMarker } from '../../src/activities/restart-marker.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';
import { listenAt, type Listening } from '../support/listening.js';

const ORIGINAL = '[PHP]\r\nextension=redis.so\r\n[Session]\r\nsession.save_handler = files\r\n';

describe('web sessions in Redis', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: PhpIniDesired;
  const file = (): string => join(icewarp.directory, 'php/php.ini');

  beforeEach(async () => {
    context = await testContext();
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'));
    await mkdir(join(icewarp.directory, 'php'), { recursive: true });
    await writeFile(file(), ORIGINAL, { mode: 0o640 });
    desired = { directory: icewarp.directory, redis: { host: '192.0.2.60', port: 6379 } };
  });
  afterEach(async () => {
    await icewarp.stop();
    await context.remove();
  });

  it('are set in php.ini, in effect after the next restart, and put back byte for byte', async () => {
    const before = await phpIni.observe(desired, context);
    expect(phpIni.diff(desired, before)).toEqual([
      { what: 'web sessions', before: 'files', after: 'redis at tcp://192.0.2.60:6379' },
    ]);
    await phpIni.apply(desired, context);
    expect(phpIni.diff(desired, await phpIni.observe(desired, context))).toEqual([]);
    expect((await stat(file())).mode & 0o777).toBe(0o640);
    expect((await readMarker(context.agent)).reasons).toEqual(['php.ini']);
    for (let twice = 0; twice < 2; twice += 1) await phpIni.restore(desired, before, context);
    await expect(readFile(file(), 'utf8')).resolves.toBe(ORIGINAL);
  });

  it('are not set where PHP could not open one, or has no php.ini there', async () => {
    await writeFile(file(), ORIGINAL.replace('extension', ';extension'));
    await expect(phpIni.apply(desired, context)).rejects.toMatchObject({ code: 'PHP_INI' });
    await expect(phpIni.apply({ ...desired, directory: context.folder }, context)).rejects.toMatchObject({
      code: 'PHP_INI',
    });
  });

  it('are left alone on the way back where somebody has edited the file since', async () => {
    const before = await phpIni.observe(desired, context);
    await phpIni.apply(desired, context);
    await writeFile(file(), `${await readFile(file(), 'utf8')}x = 1\r\n`);
    await expect(phpIni.restore(desired, before, context)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
  });
});

describe('the Redis of the web sessions', () => {
  let context: TestContext;
  let server: Listening;

  beforeEach(async () => {
    context = await testContext();
  });
  afterEach(async () => {
    await server.close();
    await context.remove();
  });

  /** Something that gives this answer to PING. */
  async function answering(text: string): Promise<{ host: string; port: number }> {
    server = await listenAt('127.0.0.1', (socket) => socket.on('data', () => socket.end(text)));
    return { host: '127.0.0.1', port: server.port };
  }

  it('answers, wants a password, is something else, or is not there: each is said', async () => {
    await expect(redisAnswers.run(await answering('+PONG\r\n'), context)).resolves.toEqual({ answer: 'PONG' });
    await server.close();
    for (const [text, words] of [
      ['-NOAUTH Authentication required.\r\n', /wants a password/],
      ['HTTP/1.1 400 Bad Request\r\n', /does not speak the protocol/],
    ] as const) {
      const failure = redisAnswers.run(await answering(text), context);
      await expect(failure).rejects.toMatchObject({ code: 'REDIS_UNUSABLE', message: expect.stringMatching(words) });
      await server.close();
    }
    const gone = await answering('');
    await server.close();
    await expect(redisAnswers.run(gone, context)).rejects.toMatchObject({ code: 'REDIS_UNUSABLE' });
  });
});
