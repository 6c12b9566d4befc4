import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { blockIn, withBlock, withoutBlock } from '../../src/platform/marked-block.js';

const text = fc
  .array(fc.constantFrom('', '# a comment', '/dev/sda1 / ext4 defaults 0 1', '[global]', '   workgroup = HOME'))
  .map((lines) => lines.map((line) => `${line}\n`).join(''));

describe('marked block', () => {
  it('comes out again without touching any other byte', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const both = withBlock(before, 'mount lab', 'one\ntwo') + after;
        expect(blockIn(both, 'mount lab')).toBe('one\ntwo');
        expect(withoutBlock(both, 'mount lab')).toBe(before + after);
      }),
    );
  });

  it('is replaced where it stands', () => {
    const first = `${withBlock('before\n', 'x', 'old\nlines')}after\n`;
    const second = withBlock(first, 'x', 'new');
    expect(blockIn(second, 'x')).toBe('new');
    expect(withoutBlock(second, 'x')).toBe('before\nafter\n');
  });

  it('starts on a line of its own after a last line without line break', () => {
    expect(withBlock('last line', 'x', 'body')).toMatch(/^last line\n# BEGIN icewarp-rollout x\nbody\n/);
  });

  it('of another mark is none of ours', () => {
    const other = withBlock('', 'y', 'body');
    expect(blockIn(other, 'x')).toBeNull();
    expect(withoutBlock(other, 'x')).toBe(other);
  });
});
