import { describe, expect, it } from '@jest/globals';

import { inOurWords } from '../../src/activities/guarded.js';
import { RolloutError } from '../../src/cluster/errors.js';

/** An error as the file system gives it. */
function refused(code: string, path?: string): Error {
  return Object.assign(new Error(`${code}: secret words`), { code, syscall: 'mkdir', ...(path && { path }) });
}

describe('an error of an activity, as history gets it', () => {
  it.each(['EROFS', 'ENOSPC', 'EDQUOT', 'EIO', 'ESTALE'])(
    'says where a file system refused to write, and why: %s',
    (code) => {
      const own = inOurWords(refused(code, '/mnt/icewarp/config.new'));
      expect(own).toMatchObject({ code: 'WRITE_REFUSED', retryable: true });
      expect(own.message).toMatch(new RegExp(`^/mnt/icewarp/config\\.new cannot be written: .* \\(${code}\\)$`));
      expect(inOurWords(refused(code)).message).toMatch(/^a file cannot be written/);
    },
  );

  it('is one of ours as it is, and none of any other’s words', () => {
    const own = new RolloutError('SHARE_FULL', 'no room');
    expect(inOurWords(own)).toBe(own);
    for (const other of [refused('ENOENT', '/x'), new Error('secret words'), 'secret words', undefined]) {
      expect(inOurWords(other)).toMatchObject({ code: 'UNEXPECTED', message: 'an unexpected error' });
    }
  });
});
