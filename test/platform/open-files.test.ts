import { describe, expect, it } from '@jest/globals';

import { mappedForWriting } from '../../src/platform/open-files.js';

const MAPS = `55d0c3a00000-55d0c3a02000 r--p 00000000 fe:00 1234                       /usr/bin/cat
7f1d5c000000-7f1d5c021000 rw-p 00000000 00:00 0 
7f1d5c400000-7f1d5c408000 rw-s 00000000 fe:00 99                         /mail/jane/inbox/imapindex.bin
7f1d5c500000-7f1d5c508000 r--s 00000000 fe:00 98                         /mail/jane/inbox/read only.bin
7f1d5c600000-7f1d5c608000 rw-s 00000000 fe:00 97                         /mail/john/two words.db-shm
7ffd1a000000-7ffd1a021000 rw-p 00000000 00:00 0                          [stack]
`;

describe('files that are mapped into memory', () => {
  it('count where what is written there reaches them', () => {
    expect(mappedForWriting(MAPS)).toEqual(['/mail/jane/inbox/imapindex.bin', '/mail/john/two words.db-shm']);
  });
});
