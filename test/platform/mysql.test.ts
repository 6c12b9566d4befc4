import { describe, expect, it } from '@jest/globals';

import { grantPattern, identifier } from '../../src/platform/mysql.js';

describe('names in SQL', () => {
  it('cannot leave their quotes', () => {
    expect(identifier('a`; DROP DATABASE b')).toBe('`a``; DROP DATABASE b`');
  });

  it('match no other database in a grant', () => {
    expect(grantPattern('iw_accounts')).toBe('`iw\\_accounts`');
    expect(grantPattern('100%')).toBe('`100\\%`');
  });

  it('are taken literally where the server knows no wildcards', () => {
    expect(grantPattern('iw_accounts', false)).toBe('`iw_accounts`');
  });
});
