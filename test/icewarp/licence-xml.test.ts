import { describe, expect, it } from '@jest/globals';

import { leavesOf, printOfLicence } from '../../src/icewarp/licence-xml.js';

const licence = (order: string, reference: string, items: readonly string[]): string => `<?xml version="1.0"?>
<info><header><purchaseid>${order}</purchaseid></header><reference>${reference}</reference>
  <license><holder>Example &amp; Sons</holder><licensetype>onpremise</licensetype>
    <restrictions>${items.map((item) => `<item>${item}</item>`).join('')}</restrictions></license></info>`;

describe('a licence', () => {
  it('has the same print on two machines and for two orders', () => {
    const [a, b] = [licence('O-1', 'AAAA', ['GROUPWARE', 'IM']), licence('O-2', 'BBBB', ['IM', 'GROUPWARE'])];
    expect(printOfLicence(a)).toEqual(printOfLicence(b));
  });

  it('has another print when it allows something else', () => {
    const [a, b] = [licence('O-1', 'AAAA', ['GROUPWARE']), licence('O-1', 'AAAA', ['GROUPWARE', 'IM'])];
    expect(printOfLicence(a).fingerprint).not.toBe(printOfLicence(b).fingerprint);
  });

  it('is summed up without its order or holder', () => {
    const { summary } = printOfLicence(licence('ORDER-7', 'REF', ['IM']));
    expect(summary).toBe('IM onpremise');
  });

  it('counts attributes, which may hold numbers of accounts', () => {
    const [a, b] = ['<l><item seats="10">IM</item></l>', '<l><item seats="20">IM</item></l>'];
    expect(printOfLicence(a).fingerprint).not.toBe(printOfLicence(b).fingerprint);
  });

  it('is read with comments, empty elements and the known entities', () => {
    const leaves = leavesOf('<a><!-- x --><b/><c d="1"/><e>&lt;&#65;&#x42;&gt;</e></a>');
    expect(leaves.map(({ path, text }) => [path.join('/'), text])).toEqual([
      ['a/c', 'd="1"'],
      ['a/e', '<AB>'],
    ]);
  });

  it.each([
    '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    '<a>&x;</a>',
    '<a><b></a></b>',
    '<a>',
    '<a',
    '<a>&#9999999;</a>',
  ])('is refused where it is not plain XML: %s', (xml) =>
    expect(() => leavesOf(xml)).toThrow(expect.objectContaining({ code: 'LICENCE_UNREADABLE' })),
  );

  it('may be missing', () => expect(printOfLicence('').summary).toBe('no modules named'));
});
