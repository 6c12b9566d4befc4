import { describe, expect, it } from '@jest/globals';
import { ESLint } from 'eslint';

const RULE = 'rooms/import-direction';

/** The real configuration, reduced to the rule under test: the snippets are in no TypeScript project. */
const eslint = new ESLint({
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
  ruleFilter: ({ ruleId }) => ruleId === RULE,
});

async function complaints(file: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: file });
  return (result?.messages ?? []).map(({ ruleId, message }) => (ruleId === RULE ? message : `unexpected: ${message}`));
}

const value = (path: string): string => `import { thing } from '${path}';\nthing();\n`;
const type = (path: string): string => `import type { Thing } from '${path}';\nexport type Same = Thing;\n`;

describe('the import direction between rooms', () => {
  it.each([
    ['src/cluster/a.ts', '../icewarp/b.js'],
    ['src/cluster/a.ts', '../platform/b.js'],
    ['src/cluster/a.ts', '../client.js'],
    ['src/transfer/a.ts', '../platform/b.js'],
    ['src/transfer/a.ts', '../icewarp/b.js'],
    ['src/platform/a.ts', '../icewarp/b.js'],
    ['src/icewarp/a.ts', '../activities/b.js'],
    ['src/activities/a.ts', '../cli/b.js'],
    ['src/activities/a.ts', '../lab/b.js'],
    ['src/activities/a.ts', '../workflows/b.js'],
    ['src/activities/mail/a.ts', '../../workflows/b.js'],
    ['src/lab/a.ts', '../workflows/b.js'],
    ['src/lab/standin/a.ts', '../../activities/b.js'],
    ['src/workflows/a.ts', '../cli/b.js'],
    ['src/workflows/a.ts', '../lab/b.js'],
    ['src/cli/a.ts', '../worker.js'],
  ])('refuses in %s values and types from %s', async (file, path) => {
    const refused = [expect.stringContaining('imports point downwards only')];
    expect(await complaints(file, value(path))).toEqual(refused);
    expect(await complaints(file, type(path))).toEqual(refused);
  });

  it.each([
    ['src/workflows/a.ts', '../activities/b.js'],
    ['src/workflows/a.ts', '../platform/b.js'],
    ['src/workflows/a.ts', '../transfer/b.js'],
    ['src/cli/a.ts', '../activities/b.js'],
  ])('allows in %s only types from %s', async (file, path) => {
    const refused = [expect.stringContaining('may import only types')];
    expect(await complaints(file, value(path))).toEqual(refused);
    expect(await complaints(file, `import { type Thing } from '${path}';\nexport type Same = Thing;\n`)).toEqual(
      refused,
    );
    expect(await complaints(file, type(path))).toEqual([]);
  });

  it.each([
    ['src/client.ts', './cli/b.js'],
    ['src/worker.ts', './activities/b.js'],
    ['src/cli/a.ts', '../lab/b.js'],
    ['src/cli/a.ts', '../workflows/b.js'],
    ['src/cli/a.ts', './b.js'],
    ['src/lab/a.ts', '../platform/b.js'],
    ['src/lab/standin/a.ts', '../cluster/b.js'],
    ['src/activities/a.ts', '../icewarp/b.js'],
    ['src/activities/a.ts', '../transfer/b.js'],
    ['src/workflows/a.ts', '../cluster/b.js'],
    ['src/workflows/a.ts', '@temporalio/workflow'],
    ['src/icewarp/a.ts', '../platform/b.js'],
    ['src/transfer/a.ts', '../cluster/b.js'],
    ['src/platform/a.ts', 'node:fs'],
    ['test/lab/a.test.ts', '../../src/lab/b.js'],
  ])('allows in %s everything from %s', async (file, path) => {
    expect(await complaints(file, value(path))).toEqual([]);
    expect(await complaints(file, type(path))).toEqual([]);
  });

  it.each([
    ['an import() expression', `export const load = () => import('../cli/b.js');\n`],
    ['a type written in place', `export type Thing = import('../cli/b.js').Thing;\n`],
    ['a re-export', `export { thing } from '../cli/b.js';\n`],
    ['a re-export of everything', `export * from '../cli/b.js';\n`],
    ['a folder of the own room that is named like another', `import { a } from './cli/b.js';\na();\n`, 0],
  ])('sees through %s', async (_form, code, count = 1) => {
    expect(await complaints('src/activities/a.ts', code)).toHaveLength(count);
  });
});

describe('workflow code', () => {
  it.each(['node:fs', 'fs/promises', 'crypto', '@temporalio/client', '@temporalio/worker', '@temporalio/activity'])(
    'must not import %s',
    async (name) => {
      const refused = [expect.stringContaining('must be deterministic')];
      expect(await complaints('src/workflows/a.ts', value(name))).toEqual(refused);
    },
  );
});
