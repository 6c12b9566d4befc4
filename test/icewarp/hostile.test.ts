import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { RolloutError } from '../../src/cluster/errors.js';
import {
  mysqlConnectionString,
  parseConnectionString,
  printConnectionString,
  withoutPassword,
} from '../../src/icewarp/connection-string.js';
import { leavesOf, printOfLicence } from '../../src/icewarp/licence-xml.js';
import { lineOf, parsePathDat, printPathDat, withLines } from '../../src/icewarp/path-dat.js';
import { valueOf } from '../../src/icewarp/tool.js';
import { newSeed } from '../support/trees/random.js';

const options = { seed: newSeed(), numRuns: 300 };

/** Any text, also such as no file should hold. */
const any = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);
/** What a line or a field can hold. */
const held = any.map((text) => text.replace(/[\r\n\0;|]/g, ''));

/** What it gives, or the code of our own error; anything else is thrown. */
function orCode<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof RolloutError) return error.code;
    throw error;
  }
}

describe('path.dat', () => {
  it('reads back what was printed, whatever its lines hold', () => {
    fc.assert(
      fc.property(fc.array(held, { maxLength: 20 }), (lines) => {
        expect(parsePathDat(printPathDat(lines))).toEqual(lines);
      }),
      options,
    );
  });

  it('is read whatever its bytes are, and stays what it is', () => {
    fc.assert(
      fc.property(any, (text) => {
        const lines = parsePathDat(text);
        expect(printPathDat(lines)).not.toContain('\r\n');
        if (!text.includes('\r'))
          expect(printPathDat(lines)).toBe(text === '' || text.endsWith('\n') ? text : `${text}\n`);
      }),
      options,
    );
  });

  it('gets one line for one value, or none at all', () => {
    fc.assert(
      fc.property(fc.array(held, { maxLength: 16 }), fc.integer({ min: 1, max: 20 }), any, (lines, number, value) => {
        const changed = orCode(() => withLines(lines, { [number]: value }));
        if (typeof changed === 'string') expect(value).toMatch(/[\r\n\0]/);
        else expect(lineOf(parsePathDat(printPathDat(changed)), number)).toBe(value);
      }),
      options,
    );
  });
});

describe('a connection string', () => {
  const fields = fc.record({ database: held, user: held, password: held, host: held, driver: held, syntax: held });

  it('reads back what was printed', () => {
    fc.assert(
      fc.property(fields, (one) => expect(parseConnectionString(printConnectionString(one))).toEqual(one)),
      options,
    );
  });

  it('carries names and passwords exactly, or is not made', () => {
    fc.assert(
      fc.property(any, any, any, (database, user, password) => {
        const text = orCode(() => mysqlConnectionString({ host: '192.0.2.40', port: 3306, database, user, password }));
        if (text === 'SECRET_UNUSABLE') expect(`${database}${user}${password}`).toMatch(/[;|\r\n\0]/);
        else expect(parseConnectionString(text)).toMatchObject({ database, user, password, host: '192.0.2.40' });
      }),
      options,
    );
  });

  it('shows its password in no form that is known, and nothing of others', () => {
    fc.assert(
      fc.property(any, (text) => {
        expect(withoutPassword(text).length).toBeLessThanOrEqual(Math.max(text.length, 40));
      }),
      options,
    );
    const pdo = 'mysql:host=a;port=1;dbname=b;charset=c;password=geheim;x=y';
    expect(withoutPassword(pdo)).not.toContain('geheim');
  });
});

describe('an answer of tool', () => {
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,40}$/);

  it('reads back the value that was printed, of however many lines', () => {
    fc.assert(
      fc.property(name, any, (variable, value) => {
        const printed = value.replaceAll('\r', '');
        for (const end of ['\n', '\r\n']) expect(valueOf(variable, `${variable}: ${printed}${end}`)).toBe(printed);
      }),
      options,
    );
  });

  it('of any bytes is about that variable or refused', () => {
    fc.assert(
      fc.property(name, any, (variable, output) => {
        const value = orCode(() => valueOf(variable, output));
        if (value !== 'TOOL_FAILED')
          expect(output.replaceAll('\r', '').toLowerCase()).toContain(variable.toLowerCase());
      }),
      options,
    );
  });
});

describe('a licence', () => {
  type Element = { readonly name: string; readonly text: string; readonly inner: readonly Element[] };
  const name = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,8}$/);
  const text = any.map((one) => one.trim());
  const element: fc.Memo<Element> = fc.memo((depth) =>
    fc.record({ name, text, inner: depth > 1 ? fc.array(element(depth - 1), { maxLength: 3 }) : fc.constant([]) }),
  );
  const escaped = (one: string): string => one.replace(/[&<>\r]/g, (character) => `&#${character.charCodeAt(0)};`);
  const printed = ({ name: tag, text: own, inner }: Element): string =>
    `<${tag}>${escaped(own)}${inner.map(printed).join('')}</${tag}>`;
  /** The leaves as they end: the innermost first. */
  const expected = ({ name: tag, text: own, inner }: Element, above: readonly string[] = []): unknown[] => {
    const path = [...above, tag];
    return [...inner.flatMap((one) => expected(one, path)), ...(own === '' ? [] : [{ path, text: own }])];
  };

  it('reads back the elements that were printed', () => {
    fc.assert(
      fc.property(element(3), (root) => expect(leavesOf(printed(root))).toEqual(expected(root))),
      options,
    );
  });

  it('of any bytes is read or refused', () => {
    const piece = fc.constantFrom(
      ...[
        '<a>',
        '</a>',
        '<a/>',
        '<',
        '>',
        '</',
        '/>',
        '<!--',
        '-->',
        '<?',
        '?>',
        '<!DOCTYPE a [',
        ']>',
        '<![CDATA[',
        ']]>',
      ],
      ...[
        '&',
        ';',
        '&lt;',
        '&#65;',
        '&#x110000;',
        '&#xD800;',
        '&toString;',
        '&constructor;',
        '&x;',
        'text',
        ' ',
        '\n',
        '"',
      ],
    );
    const xml = fc.oneof(
      any,
      fc.array(piece, { maxLength: 30 }).map((list) => `<r>${list.join('')}</r>`),
    );
    fc.assert(
      fc.property(xml, (one) => {
        const leaves = orCode(() => leavesOf(one));
        if (leaves === 'LICENCE_UNREADABLE') return;
        const without = one.replace(/<!--[^]*?-->|<\?[^]*?\?>/g, '');
        expect(without).not.toMatch(/<!DOCTYPE|<!\[CDATA|<r>[^<]*&(toString|constructor|x);/);
      }),
      { ...options, numRuns: 1_000 },
    );
  });

  it('expands no entity but those that every XML knows, whoever has defined another', () => {
    const billion = `<!DOCTYPE l [<!ENTITY a "ha">${Array.from({ length: 9 }, (_, index) => `<!ENTITY b${index} "&a;&a;">`).join('')}]><l>&b8;</l>`;
    const file = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>';
    for (const xml of [billion, file, '<l>&a;</l>', '<l>&toString;</l>', '<l>&__proto__;</l>']) {
      expect(orCode(() => leavesOf(xml))).toBe('LICENCE_UNREADABLE');
    }
  });

  it.each([
    ['comments that do not end', '<!--'.repeat(200_000)],
    ['instructions that do not end', '<?'.repeat(400_000)],
    ['a name that does not end', `<${'a'.repeat(900_000)}`],
    ['a name with another one in it', `<${'a'.repeat(900_000)}<>`],
    ['elements within one another', '<a>x'.repeat(200_000)],
    ['entities that do not end', `<a>${'&a'.repeat(400_000)}</a>`],
    ['an entity that does not end', `<a>&${'a'.repeat(900_000)}</a>`],
    ['more than a licence has', `<a>${'x'.repeat(5_000_000)}</a>`],
  ])('is read or refused in no time with %s', (_what, xml) => {
    const began = Date.now();
    orCode(() => printOfLicence(xml));
    expect(Date.now() - began).toBeLessThan(2_000);
  });
});
