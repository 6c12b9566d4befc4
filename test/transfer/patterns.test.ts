import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { compile } from '../../src/transfer/patterns.js';

/** A path as the engine carries it: every byte is one character. */
function bytes(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1');
}

describe('a pattern', () => {
  it.each([
    ['*.tmp', 'a.tmp', true],
    ['*.tmp', 'deep/er/.tmp', true],
    ['*.tmp', 'a.tmp/below/it', true],
    ['*.tmp', 'a.tmpx', false],
    ['flags*.dat', 'domain/user/inbox/flags01.dat', true],
    ['flags*.dat', 'flags/01.dat', false],
    ['_queue', 'mail/_queue', true],
    ['_queue/', 'mail/_queue/x', true],
    ['/_queue', '_queue/x', true],
    ['/_queue', 'mail/_queue', false],
    ['mail/*/in', 'mail/a/in', true],
    ['mail/*/in', 'mail/a/in/1.imap', true],
    ['mail/*/in', 'mail/a/b/in', false],
    ['mail/*/in', 'x/mail/a/in', false],
    ['mail/**/in', 'mail/in', true],
    ['mail/**/in', 'mail/a/b/in/1', true],
    ['**/in', 'in', true],
    ['**/in', 'a/b/in', true],
    ['**/in', 'a/inn', false],
    ['cache/**', 'cache/a', true],
    ['cache/**', 'cache', false],
    ['a**b', 'axyb', true],
    ['a**b', 'a/b', false],
    ['**', 'anything', true],
    ['[ab]?.{x,y}', '[ab]?.{x,y}', true],
    ['[ab]?.{x,y}', 'a1.x', false],
    ['a\\*', 'a\\b', true],
    ['*', '.hidden', true],
    ['*', '', false],
  ])('%j takes %j: %j', (pattern, path, expected) => {
    expect(compile([pattern])(path)).toBe(expected);
  });

  it('is written in UTF-8 and matched against bytes', () => {
    const matches = compile(['Gelöscht*', 'žluť/*']);
    expect(matches(bytes('user/Gelöscht 1/x'))).toBe(true);
    expect(matches(bytes('žluť/x'))).toBe(true);
    expect(matches('Gelöscht')).toBe(false);
    expect(compile(['*.imap'])('\xff\xfe\n.imap')).toBe(true);
  });

  it.each(['', '/', '//', 'a//b', './a', 'a/../b', 'a/.', 'a\0b'])('%j is refused: it can match nothing', (pattern) => {
    expect(() => compile(['fine', pattern])).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('takes no time to speak of, however hostile', () => {
    const hostile = [`${'a*'.repeat(200)}b`, `${'**/a*/'.repeat(100)}b`, `${'**/'.repeat(200)}b`];
    const path = Array<string>(100).fill('a'.repeat(40)).join('/');
    const matches = compile(hostile);
    const begin = Date.now();
    expect(matches(path)).toBe(false);
    expect(Date.now() - begin).toBeLessThan(5_000);
  });
});

describe('patterns', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 4 });
  const literal = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 });
  const path = fc.array(literal, { minLength: 1, maxLength: 5 }).map((names) => names.join('/'));
  const pattern = fc.array(fc.oneof(name, fc.constant('**')), { minLength: 1, maxLength: 4 });

  /** The same in regular expressions, which are easy to read and slow at worst. */
  function expression(parts: readonly string[]): RegExp {
    const one = (part: string): string => part.replace(/\*+/g, '[^/]*');
    if (parts.length === 1) return new RegExp(`(^|/)${one(parts[0] ?? '')}(/|$)`);
    const inside = parts.map((part, index) =>
      part === '**' && index < parts.length - 1 ? '([^/]+/)*' : `${one(part)}/`,
    );
    const body = inside.join('');
    return new RegExp(`^${body}`);
  }

  it('mean what the same regular expressions mean', () => {
    fc.assert(
      fc.property(pattern, path, (parts, candidate) => {
        const wanted = expression(parts).test(`${candidate}/`);
        expect(compile([parts.join('/')])(candidate)).toBe(wanted);
      }),
      { numRuns: 3_000 },
    );
  });

  it('take what one of them takes, whatever was asked before', () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 4 }), fc.array(path), (list, paths) => {
        const texts = list.map((parts) => parts.join('/'));
        const matches = compile(texts);
        for (const candidate of paths) {
          expect(matches(candidate)).toBe(texts.some((text) => compile([text])(candidate)));
        }
      }),
    );
  });

  it('take everything below what they take', () => {
    fc.assert(
      fc.property(pattern, path, path, (parts, above, below) => {
        const matches = compile([parts.join('/')]);
        if (matches(above)) expect(matches(`${above}/${below}`)).toBe(true);
      }),
    );
  });
});
