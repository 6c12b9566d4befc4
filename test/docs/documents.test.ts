import { dirname, join, normalize } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { ERRORS } from '../../src/cluster/errors.js';
import { explanations, withHandbook } from '../../src/cluster/handbook/handbook.js';
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

  it('explain every error code once', () => {
    const codes = explanations().map(({ code }) => code);
    expect(codes.sort()).toEqual(Object.keys(ERRORS).sort());
  });

  it('say of error codes what the handbook says, from which the command line explains them', () => {
    const recovery = readText('docs/recovery.md');
    expect(recovery).toBe(withHandbook(recovery));
    expect(recovery).toContain('| `AGENT_LOST` | ');
  });

  it('have the places to which explanations of error codes lead', () => {
    const texts = explanations().map(({ means }) => means);
    const targets = texts.flatMap((text) => [...text.matchAll(/\]\(([^)]*)\)/g)].map(([, target = '']) => target));
    expect(targets.length).toBeGreaterThan(0);
    for (const target of targets) {
      const [file, place] = target.split('#');
      const document = readText(`docs/${file === '' ? 'recovery.md' : (file ?? '')}`);
      const headings = [...document.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
      if (place !== undefined) expect(headings).toContain(place);
    }
  });
});

/** The name by which a heading is linked to. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\- ]/gu, '')
    .replaceAll(' ', '-');
}
