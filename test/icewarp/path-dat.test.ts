import { describe, expect, it } from '@jest/globals';

import { lineOf, parsePathDat, printPathDat, withLines } from '../../src/icewarp/path-dat.js';

describe('path.dat', () => {
  it.each([[[]], [['']], [['/mnt/config/', '', '']], [['a', 'b; c|d', '', 'ü']]])(
    'reads back what it printed: %j',
    (lines) => expect(parsePathDat(printPathDat(lines))).toEqual(lines),
  );

  it('reads files of the console, with CRLF', () => {
    expect(parsePathDat('/mnt/config/\r\n\r\n\r\n10\r\n')).toEqual(['/mnt/config/', '', '', '10']);
  });

  it('reads a last line without its end', () => expect(parsePathDat('a\nb')).toEqual(['a', 'b']));

  it('takes a missing line for an empty one', () => expect(lineOf(['a'], 14)).toBe(''));

  it('replaces some lines, lengthens the file where needed, and keeps all others', () => {
    const changed = withLines(['old', 'html', '', '', 'secret'], { 1: 'new', 8: 'queue', 2: 'html' });
    expect(changed).toEqual(['new', 'html', '', '', 'secret', '', '', 'queue']);
  });

  it('keeps lines beyond those that it knows', () => {
    const long = Array.from({ length: 20 }, (_, index) => String(index));
    expect(withLines(long, { 4: 'x' })).toHaveLength(20);
  });
});
