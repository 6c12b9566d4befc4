import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';

import { formatProblem, loadCluster, MAX_LENGTH, type Loaded } from '../../src/cluster/load.js';
import { clusterSchema } from '../../src/cluster/schema.js';
import { newSeed } from '../support/trees/random.js';

const options = { seed: newSeed(), numRuns: 80 };

const full = readFileSync(join(import.meta.dirname, '../../../examples/full.yaml'), 'utf8');
const smallest = readFileSync(join(import.meta.dirname, '../../../examples/smallest.yaml'), 'utf8');

const EXAMPLE = parse(full) as Record<string | number, unknown>;

type Place = readonly (string | number)[];

/** Every place of a value that is no group. */
function placesOf(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([key, inner]) =>
    placesOf(inner, [...at, Array.isArray(value) ? Number(key) : key]),
  );
}

/** A copy of the example with another value at a place. */
function withValue(place: Place, value: unknown): unknown {
  const copy = structuredClone(EXAMPLE);
  let at = copy;
  for (const part of place.slice(0, -1)) at = at[part] as typeof at;
  at[place.at(-1) ?? ''] = value;
  return copy;
}

const PLACES = placesOf(EXAMPLE);

/** Texts of which some would be taken for something else by whoever they reach. */
const hostileText = fc.oneof(
  fc.constantFrom(
    ...[
      '$(id)',
      '`id`',
      'a; id',
      'a|id',
      'a && id',
      "a'b",
      'a"b',
      '\\',
      'a\nb',
      'a\r\nb',
      'a\0b',
      '-rf',
      '--help',
      '..',
    ],
    ...[
      '../../etc/passwd',
      '/../etc',
      '/a/../../b',
      "'; DROP TABLE users; --",
      '`; DROP DATABASE mysql; --',
      '%',
      '_%',
    ],
    // a Cyrillic a, full-width letters, a right-to-left override, an invisible space
    ...[
      'm\u0430il.example.com',
      '\uff41\uff42',
      'a\u202eb',
      'a\u200bb',
      '\u0000',
      '\ud800',
      '${HOME}',
      '{{a}}',
      '&a',
      '*a',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('a', '/a', 'a.').map((piece) => piece.repeat(2_000)),
);
const anything = fc.oneof(
  hostileText,
  fc.constantFrom<unknown>(null, true, -1, 0, 1e308, NaN, Infinity, [], {}, [[]], { secret: '../x' }, { secret: 1 }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** What loading says, which takes no time to speak of. */
function load(text: string): Loaded {
  const began = Date.now();
  const loaded = loadCluster(text, 'cluster.yaml');
  expect(Date.now() - began).toBeLessThan(5_000);
  if (!loaded.ok) {
    expect(loaded.problems.length).toBeGreaterThan(0);
    expect(loaded.problems.length).toBeLessThanOrEqual(50);
  }
  return loaded;
}

/** What ends up in commands, files of IceWarp's and SQL. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

describe('a cluster file with a hostile value', () => {
  it('is refused with its place, or holds nothing that could break out of where it is used', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PLACES), anything, (place, value) => {
        const loaded = load(stringify(withValue(place, value)));
        if (!loaded.ok) return;
        // what is only shown, and what is only said to an IMAP server, may be any text
        const { backups: _, mail, ...used } = loaded.cluster;
        const { outside, ...ownMail } = mail;
        expect(outside?.user ?? '').not.toMatch(/\p{Cc}/u);
        for (const text of textsIn({ ...used, ownMail })) {
          // eslint-disable-next-line no-control-regex -- that is what must not be there
          expect(text).not.toMatch(/[\u0000-\u001f\u007f;|`$&<>\\"]|(^|\/)\.\.(\/|$)/);
          expect(text.length).toBeLessThanOrEqual(1_024);
        }
      }),
      { ...options, numRuns: 100 },
    );
  });

  it.each([
    ['name', '-rf'],
    ['name', 'm\u0430il'],
    ['database.user', "icewarp'--"],
    ['database.user', 'ice`warp'],
    ['database.names.accounts', 'a`; DROP DATABASE mysql; --'],
    ['database.host', 'db.example.com\nx'],
    ['share.user', '-u'],
    ['share.user', 'root; id'],
    ['share.name', 'a/b'],
    ['share.mount', '/mnt/a b'],
    ['share.path', '/srv/$(id)'],
    ['icewarp.directory', 'opt/icewarp'],
    ['icewarp.local', '/var/../etc'],
    ['nodes.0.host', 'm\u0430il-a.example.com'],
    ['nodes.0.host', '-a.example.com'],
    ['nodes.0.id', '../A'],
    ['nodes.0.address', '192.0.2.11 -e'],
    ['mail.domain', 'example.com|x'],
    ['mail.probes.0.name', '-probe'],
    ['database.password', { secret: '../../etc/shadow' }],
    ['database.password', { secret: 'a', file: '/etc/shadow' }],
  ])('is refused at %s, such as %j', (where, value) => {
    const place = where.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    const loaded = load(stringify(withValue(place, value)));
    const places = loaded.ok ? [] : loaded.problems.map((problem) => problem.where);
    expect(places.some((one) => one.startsWith(where))).toBe(true);
  });
});

describe('a cluster file that was loaded', () => {
  it('reads back as the same cluster when it is printed, with every default and in seconds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PLACES),
        fc.constantFrom('a1', 'host.example.net', 7, '9d', true),
        (place, value) => {
          for (const text of [full, smallest, stringify(withValue(place, value))]) {
            const loaded = load(text);
            if (!loaded.ok) continue;
            expect(load(stringify(loaded.cluster))).toEqual(loaded);
            // as a saved plan holds it
            expect(clusterSchema.parse(JSON.parse(JSON.stringify(loaded.cluster)))).toEqual(loaded.cluster);
          }
        },
      ),
      { ...options, numRuns: 15 },
    );
  });
});

describe('text that is no cluster file', () => {
  it('never passes and never throws, whatever its bytes', () => {
    const pieces = fc.constantFrom(
      ...[
        'a: ',
        '- ',
        '? ',
        ': ',
        '&a ',
        '*a',
        '<<: *a',
        '!!set ',
        '!!binary ',
        '|\n',
        '>\n',
        '{',
        '}',
        '[',
        ']',
        ',',
        '\n',
      ],
      ...[
        '  ',
        '"',
        "'",
        '#',
        '%YAML 1.1\n',
        '---\n',
        '...\n',
        '\t',
        '\0',
        '\ufeff',
        '__proto__: ',
        'nodes:\n',
        'version: 1\n',
      ],
    );
    const texts = fc.oneof(
      fc.array(pieces, { maxLength: 40 }).map((list) => list.join('')),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('utf8')),
      // the example with some characters in place of others
      fc.tuple(fc.nat(full.length), fc.nat(20), fc.array(pieces, { maxLength: 4 })).map(([at, gone, list]) => {
        return `${full.slice(0, at)}${list.join('')}${full.slice(at + gone)}`;
      }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const loaded = load(text);
        if (loaded.ok) expect(text.length).toBeGreaterThan(full.length - 200);
        else expect(loaded.problems.map(formatProblem).join()).not.toMatch(/call stack|\[object|TypeError/);
      }),
      options,
    );
  });

  const long = (piece: string): string => piece.repeat(Math.floor((MAX_LENGTH - 2_000) / piece.length));
  it.each([
    ['a list within a list', '['.repeat(MAX_LENGTH - 1)],
    ['a group within a group', long('{a: ')],
    ['a list item within a list item', long('- ')],
    ['many keys', Array.from({ length: 3_500 }, (_, index) => `k${index}: 1`).join('\n')],
    ['many long keys', Array.from({ length: 45 }, (_, index) => `${'k'.repeat(1_000)}${index}: 1`).join('\n')],
    ['many anchors', Array.from({ length: 2_500 }, (_, index) => `k${index}: &a${index} 1`).join('\n')],
    ['many aliases', `a: &a 1\nb: [${long('*a, ')}]`],
    ['many nodes', `nodes:\n${long('  - { id: 1 }\n')}`],
    ['a long path', `icewarp: { directory: "/x${long('/')}a" }`],
    ['a long name', `name: ${long('a')}`],
    ['a long host name', `database: { host: ${long('a.')} }`],
    ['a long address', `mail: { outside: { address: ${long('a.')}@b } }`],
    ['a long end point', `public: { smarthost: "${long(':')}" }`],
    ['quotes', long('"')],
    ['colons', long(': ')],
  ])('is refused in no time, such as %s', (_what, text) => {
    expect(text.length).toBeLessThan(MAX_LENGTH);
    expect(load(text).ok).toBe(false);
  });

  it('is refused when aliases would make it grow: a bomb of a few lines, an alias of itself', () => {
    const bomb = Array.from({ length: 9 }, (_, index) => {
      const inner = index === 0 ? 'x' : `*a${index - 1}`;
      return `a${index}: &a${index} [${Array(9).fill(inner).join(', ')}]`;
    }).join('\n');
    expect(load(bomb)).toMatchObject({ ok: false, problems: [{ message: 'too many aliases in this file' }] });
    expect(load(`${smallest}backups: &a [*a]\n`).ok).toBe(false);
    expect(load('&a [*a, *a]').ok).toBe(false);
  });
});
