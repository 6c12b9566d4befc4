import { describe, expect, it } from '@jest/globals';

import { loadsRedis, redisStore, sessionStoreIn, withSessionStore } from '../../src/icewarp/php-ini.js';

const STORE = redisStore({ host: '192.0.2.60', port: 6379 });
const NONE = { handler: '', path: '' };

describe('php.ini', () => {
  it('tells where sessions are kept: what is commented out is not, and the last line counts', () => {
    expect(sessionStoreIn('')).toEqual(NONE);
    expect(sessionStoreIn('; session.save_handler = redis\n;session.save_path = "/tmp"\n')).toEqual(NONE);
    const text = '[Session]\nsession.save_handler = files ; by default\nsession.save_path="/var/php"\r\n';
    expect(sessionStoreIn(text)).toEqual({ handler: 'files', path: '/var/php' });
    expect(sessionStoreIn(`${text}session.save_handler=redis\n`).handler).toBe('redis');
  });

  it.each([
    ['an empty file', ''],
    ['a file without them', '[PHP]\r\nmemory_limit = 1G\r\n[Session]\r\n; comment\r\nsession.name = X\r\n'],
    ['a file with others', '[Session]\nsession.save_handler = files\nsession.save_path = "N;/tmp"\nx = 1\n'],
    ['a file that says it twice', 'session.save_handler=files\nsession.save_path=/a\nsession.save_path=/b'],
  ])('keeps sessions elsewhere in %s, and every other line as it is', (_, text) => {
    const changed = withSessionStore(text, STORE);
    expect(sessionStoreIn(changed)).toEqual(STORE);
    expect(withSessionStore(changed, STORE)).toBe(changed);
    const rest = (ini: string): string[] =>
      ini.split(/(?<=\n)/).filter((line) => line !== '' && !/^session\.save_/.test(line));
    expect(rest(changed)).toEqual(rest(text));
    expect(changed.replaceAll('\r\n', '').includes('\n')).toBe(!text.includes('\r\n'));
  });

  it('knows whether the extension for Redis is loaded', () => {
    for (const line of [
      'extension=redis.so',
      'extension = "redis"',
      'extension=/opt/php/redis.so',
      'extension=php_redis.dll',
    ]) {
      expect(loadsRedis(`a = 1\n${line}\n`)).toBe(true);
    }
    for (const line of [';extension=redis.so', 'extension=igbinary.so', 'zend_extension=redis_not.so']) {
      expect(loadsRedis(`${line}\n`)).toBe(false);
    }
  });

  it('writes an IPv6 address so that its port is told from it', () => {
    expect(redisStore({ host: '2001:db8::60', port: 6379 }).path).toBe('tcp://[2001:db8::60]:6379');
  });
});
