import { describe, expect, it } from '@jest/globals';

import { normalValue, type ValueKind } from '../../src/activities/normal-value.js';

/** What two databases may write in different ways, and what must never be taken for the same. */
const SAME: readonly (readonly [ValueKind, readonly (string | null)[]])[] = [
  ['text', [null, '', '   ']],
  ['text', ['Grüße', 'Grüße  ']],
  ['number', ['7', '007', '7.0', '+7', '7e0', ' 7']],
  ['number', ['-0', '0', '0.000', '-0.0']],
  ['number', ['-12.5', '-12.500', '-1.25e1']],
  ['number', ['0.3', '0.30000000000000004']],
  ['date', ['2026-01-02 03:04:05', '2026-01-02T03:04:05Z', '2026-01-02 03:04:05.000']],
  ['date', ['2026-01-02', '2026-01-02 00:00:00', '2026-01-02T00:00']],
  ['date', [null, '0000-00-00 00:00:00']],
];
const DIFFERENT: readonly (readonly [ValueKind, string | null, string | null])[] = [
  ['text', '007', '7'],
  ['text', ' x', 'x'],
  ['text', 'Jane', 'jane'],
  ['text', '0', null],
  ['number', '0', null],
  ['number', '9007199254740993', '9007199254740992'],
  ['number', '1.5', '1.51'],
  ['number', 'seven', '7'],
  ['date', '2026-01-02 03:04:05', '2026-01-02 03:04:05.5'],
  ['bytes', 'x', 'x '],
];

const normal = (kind: ValueKind, text: string | null): string =>
  normalValue(kind, text === null ? null : Buffer.from(text)).toString('hex');

describe('a value in its normal form', () => {
  it.each(SAME)('is the same however a database writes it: %s %j', (kind, ways) => {
    expect(new Set(ways.map((way) => normal(kind, way))).size).toBe(1);
  });

  it.each(DIFFERENT)('is not that of another one: %s %j %j', (kind, one, other) => {
    expect(normal(kind, one)).not.toBe(normal(kind, other));
  });
});
