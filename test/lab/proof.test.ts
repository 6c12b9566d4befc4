import { describe, expect, it } from '@jest/globals';

import { messageName } from '../../src/lab/standin/message-name.js';
import { nodeThatTook } from '../../src/lab/proof.js';

const NODES = [
  { id: 'A', serverId: '1' },
  { id: 'B', serverId: '11' },
  { id: 'C', serverId: '12' },
];

describe('the node that took a message', () => {
  it('is told by the server ID that begins the name of the message’s file, also when it looks like another ID', () => {
    for (const { id, serverId } of NODES) {
      // with A's ID and a year that begins with 2, the name begins with C's ID as well
      const name = messageName(serverId, new Date('2026-11-25T03:52:48Z'));
      expect([name, `${name}:2,S`].map((one) => nodeThatTook(one, NODES))).toEqual([id, id]);
    }
  });

  it('is not guessed when the ID is nobody’s', () => {
    expect(() => nodeThatTook(messageName('99'), NODES)).toThrow('no node');
    expect(() => nodeThatTook('imapindex.bin', NODES)).toThrow('no node');
  });
});
