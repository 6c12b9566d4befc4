import { expect, it } from '@jest/globals';

import { randomPassword } from '../../src/lab/secrets.js';
import { breaksPasswordPolicy } from '../../src/lab/standin/accounts.js';

it('no password of a lab breaks the password policy of its mail servers, nor a field of theirs', () => {
  const passwords = Array.from({ length: 5_000 }, randomPassword);
  expect(passwords.filter((password) => breaksPasswordPolicy(password) || !/^[A-Za-z0-9._-]+$/.test(password))).toEqual(
    [],
  );
  expect(new Set(passwords).size).toBe(passwords.length);
});
