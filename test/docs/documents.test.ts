import { dirname, join, normalize } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { ERRORS } from '../../src/cluster/errors.js';
import { isThere, readText } from './repository.js';

const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'docs/architecture.md',
  'docs/guide-map.md',
  'docs/lab.md',
  'docs/preflight.md',
  'docs/recovery.md',
  'docs/reliability.md',
  'docs/security.md',
  'docs/decisions/README.md',
];

describe('the documents', () => {
  it.each(DOCUMENTS)('link only to files that exist: %s', (document) => {
    const links = [...readText(document).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target);
    const local = links.filter((target) => !/^[a-z]+:/.test(target));
    const missing = local.filter((target) => !isThere(normalize(join(dirname(document), target))));
    expect(missing).toEqual([]);
  });

  it('explain every error code once, with the next step that the product prints', () => {
    const rows = readText('docs/recovery.md')
      .split('\n')
      .flatMap((line) => {
        const [, code = '', , next = ''] = line.split('|').map((cell) => cell.trim());
        return /^`[A-Z_]+`$/.test(code) ? [[code.slice(1, -1), next] as const] : [];
      });
    expect(new Set(rows.map(([code]) => code)).size).toBe(rows.length);
    const printed = Object.entries(ERRORS).map(([code, { next }]) => [code, next]);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(printed));
  });
});
