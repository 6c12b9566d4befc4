import { describe, expect, it } from '@jest/globals';

import { NamesSeen, unfitNames, type HeldNames, type NamesThere } from '../../src/cluster/file-names.js';

const ALL: HeldNames = { longest: 255, refused: [], ends: true, bytes: true, foldsCase: false, foldsForm: false };

/** What the names of paths ask, each in UTF-8. */
function seen(...paths: readonly string[]): NamesThere {
  const names = new NamesSeen();
  for (const path of paths) names.see(Buffer.from(path).toString('latin1'));
  return names.there;
}

describe('what the names of a tree ask', () => {
  it('is counted by kind, the longest in bytes', () => {
    const names = new NamesSeen();
    for (const path of ['a', 'a/b:c', 'a/b:c/x.', 'a/y ', 'a/\xff', 'a/%41', 'a/\xc3\xa9\xc3\xa9\xc3\xa9'])
      names.see(path);
    expect(names.there).toEqual({ longest: 6, odd: { ':': 1 }, ends: 2, bytes: 1, sameButCase: 0, sameButForm: 0 });
  });

  it('knows names that differ by case or normal form only, within one folder and not across', () => {
    const paths = ['A', 'A/b', 'A/b/c', 'B', 'B/a', 'B/a/C', 'a', 'a/B', 'a/b'];
    expect(seen(...paths)).toMatchObject({ sameButCase: 2, sameButForm: 0 });
    expect(seen('caf\u00e9', 'cafe\u0301', 'CAF\u00c9')).toMatchObject({ sameButCase: 1, sameButForm: 1 });
  });
});

describe('a folder that takes the names of a tree', () => {
  const there: NamesThere = { longest: 200, odd: { ':': 2 }, ends: 3, bytes: 4, sameButCase: 5, sameButForm: 6 };

  it('is fit when it holds them all', () => {
    expect(unfitNames(there, ALL)).toEqual([]);
  });

  it.each<[Partial<HeldNames>, string]>([
    [{ longest: 143 }, 'names over 143 bytes are refused, and the longest has 200 (1 here)'],
    [{ refused: ['*', ':'] }, 'names with ":" are refused or changed (2 here)'],
    [{ ends: false }, 'names that end with a dot or a space are refused or changed (3 here)'],
    [{ bytes: false }, 'names that are no UTF-8 are refused or changed (4 here)'],
    [{ foldsCase: true }, 'names that differ by case only are one (5 here)'],
    [{ foldsForm: true }, 'names that differ by normal form only are one (6 here)'],
  ])('is not when it is %j', (held, why) => {
    expect(unfitNames(there, { ...ALL, ...held })).toEqual([why]);
    expect(unfitNames(seen('a', 'a/b'), { ...ALL, ...held })).toEqual([]);
  });
});
