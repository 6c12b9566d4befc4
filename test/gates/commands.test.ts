import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { readText } from '../docs/repository.js';

const ROOT = join(import.meta.dirname, '../../..');

/** Sources of what runs on machines of an operator's: all but the lab. */
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.startsWith('lab/'))
  .map((path) => `src/${path}`);

/** Sources with a line that fits, as path and line. */
function linesLike(pattern: RegExp): string[] {
  return sources.flatMap((path) =>
    readText(path)
      .split('\n')
      .filter((line) => pattern.test(line) && !/^\s*(\*|\/\/|\/\*\*)/.test(line))
      .map((line) => `${path}: ${line.trim()}`),
  );
}

/** Ways in which a text becomes words of a shell, or code. */
const SHELL =
  /\bshell\s*:(?! Shell\b)|\bexecSync\b|\bexecaCommand|\bexec\(['"`]|\$\(`|\beval\(|new Function\(|['"`]\/bin\/(ba)?sh\b|\(\s*['"`](su|ssh|bash|dash|zsh)['"`]/;

describe('commands', () => {
  it('are started by few files, each of which takes a list of arguments', () => {
    expect(sources.length).toBeGreaterThan(300);
    const files = linesLike(/from '(node:child_process|execa)'/).map((line) => line.split(':')[0]);
    expect([...new Set(files)].sort()).toEqual([
      'src/platform/run.ts',
      'src/transfer/engine-process.ts',
      'src/transfer/lock.ts',
    ]);
  });

  it('never reach a shell with words of anybody', () => {
    expect(linesLike(SHELL)).toEqual([]);
    // the one script that a shell runs is a constant; the command and its words come after it, as they are
    expect(linesLike(/['"`]sh['"`]/)).toEqual([expect.stringContaining("['sh', ['-c', GATE, 'sh', file, ...args]]")]);
    expect(readText('src/platform/run.ts')).toMatch(/^const GATE = '[^'`$]*"\$@"';$/m);
  });

  it.each([
    'execa(`ls ${folder}`, { shell: true })',
    "child_process.exec('ls ' + folder)",
    'execSync(command)',
    "spawn('/bin/sh', ['-c', text])",
    "runCommand('bash', ['-c', text])",
    "runCommand('ssh', [host, text])",
    'await $(`ls`)',
    'eval(text)',
  ])('would be found with a shell: %s', (line) => {
    expect(line).toMatch(SHELL);
  });

  it('of SQL get values beside the statement, never within it', () => {
    const asked = linesLike(/\.(rows|run|query)(<[^(]*>)?\(\s*`[^`]*\$\{/).filter(
      (line) => !/identifier\(|identifier\)/.test(line),
    );
    // constants of the file, placeholders, patterns of grants and words that `grant` has checked
    for (const line of asked) {
      const pieces = [...line.matchAll(/\$\{([^}]*)\}/g)].map(([, piece]) => piece);
      for (const piece of pieces) {
        expect(piece).toMatch(/^([A-Z_]+|pattern|privileges|option|defaults\(name, .*\)|.*=> '\?'\)\.join\(', '\))$/);
      }
    }
    expect(asked.length).toBeGreaterThan(3);
  });
});
