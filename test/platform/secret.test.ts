import { format, inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';

import { afterEach, describe, expect, it, jest } from '@jest/globals';

import { createLog } from '../../src/platform/log.js';
import { Secret } from '../../src/platform/secret.js';

const VALUE = 'tr0ub4dor & 3';

/** What may hold a secret by accident. */
const holders = (): unknown[] => {
  const secret = new Secret(VALUE);
  return [secret, { password: secret }, [secret], new Map([['password', secret]]), new Set([secret])];
};

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a secret value', () => {
  it('is given to whoever asks for it by name', () => {
    expect(new Secret(VALUE).reveal()).toBe(VALUE);
  });

  it('is not shown by inspect and format, wherever it lies', () => {
    for (const holder of holders()) {
      const how = { depth: 9, showHidden: true, getters: true, showProxy: true };
      for (const shown of [inspect(holder), inspect(holder, how), format('%o %O %j', holder, holder, holder)])
        expect(shown).not.toContain(VALUE);
    }
    expect(inspect({ password: new Secret(VALUE) })).toBe('{ password: [secret] }');
  });

  it('is not in what customInspect leaves of it', () => {
    expect(inspect(new Secret(VALUE), { customInspect: false, showHidden: true })).not.toContain(VALUE);
  });

  it('is not in JSON', () => {
    for (const holder of holders()) expect(JSON.stringify(holder)).not.toContain(VALUE);
    expect(JSON.stringify({ password: new Secret(VALUE) })).toBe('{"password":"[secret]"}');
  });

  it.each<[string, (secret: Secret) => unknown]>([
    ['a template', (secret) => `password=${secret as unknown as string}`],
    ['a concatenation', (secret) => 'password=' + (secret as unknown as string)],
    ['String()', (secret) => String(secret)],
    ['format()', (secret) => format('%s', secret)],
    ['toString()', (secret) => secret.toString()],
    ['join()', (secret) => [secret].join()],
    ['a number', (secret) => Number(secret)],
    ['a key of an object', (secret) => ({ [secret as unknown as string]: 1 })],
    ['the message of an error', (secret) => new Error(secret as unknown as string)],
  ])('cannot become %s: that is an error without it', (_case, use) => {
    let thrown: unknown;
    try {
      use(new Secret(VALUE));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TypeError);
    expect(inspect(thrown)).not.toContain(VALUE);
  });

  it('is not in an error that carries it along', () => {
    const error = new Error('refused', { cause: { password: new Secret(VALUE) } });
    for (const shown of [inspect(error, { depth: 9, showHidden: true }), error.stack, JSON.stringify(error.cause)])
      expect(shown).not.toContain(VALUE);
  });

  it('is in no copy: neither of structuredClone, nor of v8, nor of Object.assign', () => {
    for (const holder of holders()) {
      for (const copy of [structuredClone(holder), deserialize(serialize(holder)) as unknown]) {
        expect(inspect(copy, { depth: 9, showHidden: true })).not.toContain(VALUE);
      }
      expect(serialize(holder).includes(VALUE)).toBe(false);
    }
    const copy = Object.assign({}, new Secret(VALUE));
    expect(inspect(copy, { depth: 9, showHidden: true })).not.toContain(VALUE);
  });

  it('has no properties through which it could be reached', () => {
    const secret = new Secret(VALUE);
    expect(Reflect.ownKeys(secret)).toEqual([]);
    expect(Object.entries(secret)).toEqual([]);
  });

  it('is not in the agent’s log, also of one that redacts nothing', () => {
    const lines: string[] = [];
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      lines.push(String(text));
      return true;
    });
    const log = createLog('A', (text) => text);
    for (const holder of holders()) log('event', holder);
    log('event', new Error('refused', { cause: { password: new Secret(VALUE) } }));
    expect(lines).toHaveLength(holders().length + 1);
    expect(lines.join('')).not.toContain(VALUE);
  });
});
