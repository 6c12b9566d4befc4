import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { phpIni } from '../../src/activities/php-ini.js';
import { redisAnswers } from '../../src/activities/redis-answers.js';
import { runCommand } from '../../src/platform/run.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp } from '../support/fake-icewarp.js';
import { startRedis, type Redis } from '../support/redis.js';

const NODES = ['A', 'B'] as const;
const SESSION = 'c0ffee00c0ffee00c0ffee00c0';

/** Real PHP with a real Redis: what a user notices when the balancer moves him (B5). */
describe('a web session that begins on one node', () => {
  let context: TestContext;
  let redis: Redis | undefined;

  beforeEach(async () => {
    context = await testContext();
    for (const node of NODES) {
      await fakeIceWarp(installation(node));
      await mkdir(join(installation(node), 'php/sessions'), { recursive: true });
      const lines = [
        '[PHP]',
        'extension=igbinary.so',
        'extension=redis.so',
        '[Session]',
        'session.save_handler = files',
      ];
      const text = [...lines, `session.save_path = "${installation(node)}/php/sessions"`, ''].join('\n');
      await writeFile(join(installation(node), 'php/php.ini'), text);
    }
  });
  afterEach(async () => {
    await redis?.stop();
    redis = undefined;
    await context.remove();
  });

  const installation = (node: string): string => join(context.folder, node);

  /** Runs PHP as a node does, with its own php.ini and no other. */
  async function php(node: string, code: string): Promise<string> {
    const begin = `session_id('${SESSION}'); session_start(); `;
    const { stdout } = await runCommand('php', ['-c', join(installation(node), 'php/php.ini'), '-r', begin + code], {
      env: { PHP_INI_SCAN_DIR: '' },
      signal: context.signal,
    });
    return stdout.trim();
  }
  const logIn = (node: string): Promise<string> => php(node, `$_SESSION['user'] = 'probe-1'; session_write_close();`);
  const userOn = (node: string): Promise<string> => php(node, `echo $_SESSION['user'] ?? 'nobody';`);

  async function share(store: Redis): Promise<void> {
    for (const node of NODES) {
      const slot = { ...context, vault: context.agent.vault.slot(`phpIni-${node}`) };
      await redisAnswers.run(store, slot);
      await phpIni.apply({ directory: installation(node), redis: { host: store.host, port: store.port } }, slot);
    }
  }

  it('is unknown on another node while each keeps its own', async () => {
    await logIn('A');
    expect(await userOn('A')).toBe('probe-1');
    expect(await userOn('B')).toBe('nobody');
  });

  it('goes on on another node once all keep them in one Redis', async () => {
    redis = await startRedis();
    await share(redis);
    await logIn('A');
    expect(await userOn('B')).toBe('probe-1');
  });

  it('is not promised by a Redis that wants a password, or that is not there', async () => {
    redis = await startRedis('--requirepass', 'not-ours');
    await expect(redisAnswers.run(redis, context)).rejects.toMatchObject({
      code: 'REDIS_UNUSABLE',
      message: expect.stringMatching(/wants a password/) as unknown,
    });
    await redis.stop();
    await expect(redisAnswers.run(redis, context)).rejects.toMatchObject({ code: 'REDIS_UNUSABLE' });
  });
});
