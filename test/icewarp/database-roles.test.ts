import { describe, expect, it } from '@jest/globals';

import { costsOfRebuilding, MOVED_DATABASES, MOVED_ROLES } from '../../src/icewarp/database-roles.js';

describe('the databases of a server', () => {
  it('that move have a setting and tables of their own', () => {
    expect(Object.keys(MOVED_DATABASES)).toEqual([...MOVED_ROLES]);
    expect(new Set(Object.values(MOVED_DATABASES).map(({ tables }) => tables)).size).toBe(MOVED_ROLES.length);
  });

  it('that are made anew instead cost users something, which is said of each', () => {
    const told = costsOfRebuilding().join('\n');
    for (const words of ['directory cache', 'phone', 'spam reports', 'colours of flags']) expect(told).toContain(words);
  });
});
