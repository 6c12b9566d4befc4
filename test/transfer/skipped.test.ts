import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { SkippedList } from '../../src/transfer/skipped.js';
import { digestOf } from '../../src/transfer/skipped-summary.js';
import type { SkipReason } from '../../src/transfer/types.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-skipped-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A list of a pass. @returns its hash. */
function list(...items: readonly (readonly [path: string, reason: SkipReason, detail?: string])[]): string | undefined {
  const skipped = new SkippedList(folder);
  for (const [path, reason, detail = 'as always'] of items) skipped.add(path, reason, detail);
  return skipped.finish()?.skippedHash;
}

describe('the hash of a list of skipped items', () => {
  const [one, two] = [
    ['b/two', 'DENIED'],
    ['a/one', 'LINK_OUTSIDE'],
  ] as const;

  it('does not depend on the order in which they were met, nor on details', () => {
    const hash = list(one, two);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(list(two, one)).toBe(hash);
    expect(list(two, ['b/two', 'DENIED', 'another word'])).toBe(hash);
  });

  it('is another one for another path, reason or number of items', () => {
    const lists = [[one], [two], [one, two], [['b/two', 'FOREIGN']], [['b/tw', 'DENIED']]] as const;
    expect(new Set(lists.map((items) => list(...items))).size).toBe(lists.length);
  });

  it('is none of an empty list', () => {
    expect(list()).toBeUndefined();
  });

  it('is found again by whoever reads the file', async () => {
    const hash = list(one, two, ['c/é\xe9', 'DENIED'], ['b/two', 'FAILED']);
    const file = join(folder, 'skipped.jsonl');
    const reasons = { DENIED: { count: 2, example: 'b/two' }, LINK_OUTSIDE: { count: 1, example: 'a/one' } };
    expect(await digestOf(file)).toEqual({ hash, count: 3, reasons });
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(3);
  });
});
