import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { PathScanner, type OldFolder, type TextHit } from '../../src/icewarp/path-scan.js';
import { bytesOf, isBinary } from '../../src/icewarp/text-pieces.js';

const SEED = 20261125;

const FOLDERS: readonly OldFolder[] = [
  { name: 'config', path: '/opt/icewarp/config', target: '/mnt/icewarp/share/config/' },
  { name: 'spam', path: '/opt/icewarp/spam', target: '/mnt/icewarp/share/spam/' },
  { name: 'calendar', path: '/opt/icewarp/calendar', target: '/mnt/icewarp/share/calendar/' },
  { name: 'mail', path: '/opt/icewarp/store/mail', target: '/mnt/icewarp/share/mail/' },
  { name: 'mail', path: '/data/courriér', target: '/mnt/icewarp/share/mail/' },
  { name: 'archive', path: '/opt/icewarp/archive', target: '/mnt/icewarp/share/archives/' },
];
const linux = new PathScanner('/opt/icewarp', FOLDERS);
const windows = new PathScanner('C:\\Program Files\\IceWarp', [
  { name: 'config', path: 'C:\\Program Files\\IceWarp\\config', target: '\\\\nas\\icewarp\\config\\' },
  { name: 'mail', path: '\\\\old\\mail', target: '\\\\nas\\icewarp\\mail\\' },
]);

/** The hits of a file that comes in chunks of that size. */
async function hitsOf(
  content: Buffer,
  {
    scanner = linux,
    chunk = 65_536,
    limits,
  }: { scanner?: PathScanner; chunk?: number; limits?: Parameters<PathScanner['search']>[1] } = {},
): Promise<readonly TextHit[]> {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < content.length; at += chunk) {
      await Promise.resolve();
      yield content.subarray(at, at + chunk);
    }
  }
  const hits: TextHit[] = [];
  for await (const hit of scanner.search(bytesOf(chunks()), limits)) hits.push(hit);
  return hits;
}

const told = (hits: readonly TextHit[]): string[] =>
  hits.map(({ kind, line, column, found }) => `${line}:${column} ${kind} ${found}`);

describe('the search for paths', () => {
  it.each([
    ['a setting', 'C_Dir=/opt/icewarp/config/x/\n', ['1:7 absolute /opt/icewarp/config/x/']],
    ['XML', '<a>\n  <dir>/opt/icewarp/spam</dir>\n</a>', ['2:8 absolute /opt/icewarp/spam']],
    ['an attribute', "<a dir='/opt/icewarp/calendar/x y'/>", ['1:9 absolute /opt/icewarp/calendar/x']],
    ['ini, with CRLF', '[x]\r\npath = /opt/icewarp/archive\r\n', ['2:8 absolute /opt/icewarp/archive']],
    ['an address of a file', 'file:///opt/icewarp/config/x', ['1:8 absolute /opt/icewarp/config/x']],
    [
      'several in a line',
      '/opt/icewarp/spam;/opt/icewarp/spam',
      ['1:1 absolute /opt/icewarp/spam', '1:19 absolute /opt/icewarp/spam'],
    ],
    ['a relative one', 'archive/', ['1:1 relative archive/']],
    ['one relative to the installation', 'x="store/mail/_in"', ['1:4 relative store/mail/_in']],
    ['one relative to somewhere', 'include ../rules.cf', ['1:9 relative ../rules.cf']],
    ['a doubled separator', 'x=config//accounts', ['1:3 relative config//accounts']],
    ['the end of a sentence', 'see /opt/icewarp/spam.', ['1:5 absolute /opt/icewarp/spam.']],
  ])('finds %s', async (_, text, expected) => expect(told(await hitsOf(Buffer.from(text)))).toEqual(expected));

  it.each([
    ['another folder that begins alike', '/opt/icewarp/config.new /opt/icewarp/spam-old /opt/icewarp/archives'],
    ['the same names elsewhere', '/backup/opt/icewarp/config /mnt/icewarp/share/mail/'],
    ['local folders', '/opt/icewarp/temp/ /opt/icewarp/logs/ temp/x'],
    ['an address', 'https://example.com/mail/ mailto:a@mail/x webmail/index.html'],
    ['a tag', '<config/><mail>x</mail><br/>'],
    ['a type', 'text/calendar application/mail'],
    ['a database elsewhere', 'iw_accounts;user;secret;192.0.2.40;3;2 mysql:host=192.0.2.40;dbname=x sqlite::memory:'],
    ['other numbers', 'a;b;c;d;7;31'],
  ])('passes %s', async (_, text) => expect(told(await hitsOf(Buffer.from(text)))).toEqual([]));

  it.each([
    ['C_Accounts=config/accounts.db;;;;7;3', ['1:12 sqlite config/accounts.db']],
    ['<conn>/opt/icewarp/config/a.db;user;secret;host;7;3</conn>', ['1:7 sqlite /opt/icewarp/config/a.db']],
    ['accounts config/a.db;;;;7;3', ['1:10 sqlite config/a.db']],
    ['pass=secret config/a.db;;;;7;3', ['1:13 sqlite config/a.db']],
    ['<dbconn>sqlite:/opt/icewarp/config/w.db</dbconn>', ['1:9 sqlite sqlite:/opt/icewarp/config/w.db']],
  ])('finds the SQLite database once, and shows no more than its file: %s', async (text, expected) => {
    const hits = await hitsOf(Buffer.from(text));
    expect(told(hits)).toEqual(expected);
    expect(JSON.stringify(hits)).not.toContain('secret');
  });

  it('shows nothing of what follows a path', async () => {
    const hits = await hitsOf(Buffer.from('/opt/icewarp/spam;user;secret|/opt/icewarp/spam:secret'));
    expect(hits).toHaveLength(2);
    expect(JSON.stringify(hits)).not.toContain('secret');
  });

  it.each([
    ['C:\\Program Files\\IceWarp\\config\\a.db;;;;7;3', ['1:1 sqlite C:\\Program Files\\IceWarp\\config\\a.db']],
    ['x=c:/program files/icewarp/CONFIG/y', ['1:3 absolute c:/program files/icewarp/CONFIG/y']],
    ['"C:\\\\Program Files\\\\IceWarp\\\\config"', ['1:2 absolute C:\\\\Program Files\\\\IceWarp\\\\config']],
    ['\\\\OLD\\mail\\x \\\\old\\mailbox', ['1:1 absolute \\\\OLD\\mail\\x']],
    ['x=Config\\y', ['1:3 relative Config\\y']],
  ])('knows the paths of Windows, in any case: %s', async (text, expected) =>
    expect(told(await hitsOf(Buffer.from(text), { scanner: windows }))).toEqual(expected),
  );

  it('says what to put there', async () => {
    const [old, relative, database] = await hitsOf(Buffer.from('/opt/icewarp/store/mail\nspam/\nx.db;;;;7;3'));
    expect(old?.mend).toBe('name /mnt/icewarp/share/mail/ instead of the old mail folder');
    expect(relative?.mend).toBe('write the whole path, below /mnt/icewarp/share/spam/');
    expect(database?.mend).toContain('database server');
  });

  it.each([
    ['UTF-8', Buffer.from('é=/data/courriér/x'), ['1:4 absolute /data/courriér/x']],
    ['UTF-8 with a mark', Buffer.from('\ufeffx=/data/courriér'), ['1:3 absolute /data/courriér']],
    [
      'bytes that are no UTF-8',
      Buffer.from('\xff\xe9\n\xe9=/opt/icewarp/spam/\xe9', 'latin1'),
      ['2:3 absolute /opt/icewarp/spam/\xe9'],
    ],
    ['UTF-16', Buffer.from('\ufeff<a>/opt/icewarp/spam</a>', 'utf16le'), ['1:4 absolute /opt/icewarp/spam']],
  ])('reads %s', async (_, content, expected) => {
    expect(isBinary(content)).toBe(false);
    expect(told(await hitsOf(content, { chunk: 5 }))).toEqual(expected);
  });

  it('tells a database from text', () => expect(isBinary(Buffer.from('SQLite format 3\0'))).toBe(true));

  it('finds what was put anywhere, however the file is cut and however long its lines are', async () => {
    const noise = fc.string({ unit: fc.constantFrom(...'abc /;=<>"\n\té\\.7'.split('')), maxLength: 400 });
    const planted = fc.constantFrom('/opt/icewarp/config/p1', 'config/p2.db;;;;7;3', 'archive/p3');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(noise, planted), { maxLength: 8 }),
        fc.integer({ min: 1, max: 70 }),
        async (parts, chunk) => {
          const text = parts.map(([before, path]) => `${before} ${path} `).join('');
          const content = Buffer.from(text);
          const whole = await hitsOf(content);
          expect(await hitsOf(content, { chunk, limits: { most: 64, overlap: 512 } })).toEqual(whole);
          const found = whole.filter((hit) => /p[123]/.test(hit.found)).length;
          expect(found).toBe(parts.length);
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('names the exact place', async () => {
    const line = fc.string({ unit: fc.constantFrom(...'abcé= '.split('')), maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 20 }), line, async (above, before) => {
        const text = [...above, `${before} /opt/icewarp/spam/q`].join('\n');
        const column = Buffer.byteLength(before) + 2;
        const hits = await hitsOf(Buffer.from(text), { chunk: 7, limits: { most: 32, overlap: 64 } });
        expect(told(hits)).toEqual([`${above.length + 1}:${column} absolute /opt/icewarp/spam/q`]);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  it('finds what stands at the end of a file that is one long line', async () => {
    const content = Buffer.concat([Buffer.alloc(8_000_000, 'x '), Buffer.from(' /opt/icewarp/spam ')]);
    expect(told(await hitsOf(content))).toEqual(['1:8000002 absolute /opt/icewarp/spam']);
  });
});
