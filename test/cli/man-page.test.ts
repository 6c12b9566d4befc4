import { spawnSync } from 'node:child_process';

import { describe, expect, it } from '@jest/globals';

import { manPage } from '../../src/cli/man-page.js';
import { programWith } from '../../src/cli/program.js';

const page = manPage(
  programWith({
    worker: () => Promise.resolve(0),
    recover: { node: () => Promise.resolve(0), rollout: () => Promise.resolve(0) },
  }),
);

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined;
}

describe('the manual page', () => {
  it('has the sections that man pages have, examples before the commands', () => {
    const sections = [...page.matchAll(/^\.SH (.*)$/gm)].map(([, title]) => title);
    expect(sections).toEqual(['NAME', 'SYNOPSIS', 'DESCRIPTION', 'EXAMPLES', 'COMMANDS', 'EXIT STATUS', 'ENVIRONMENT']);
  });

  it('tells of a command what its help tells', () => {
    const [, section = ''] = /^\.SS cutover at (.*?)^\.SS/ms.exec(page) ?? [];
    expect(section).toContain('It begins at that time.');
    expect(section).toContain('$ icewarp\\-rollout cutover at 2026\\-12\\-01T02:00:00Z cluster.yaml');
    expect(section).toContain('Exit status: 0 accepted');
  });

  (isInstalled('groff') ? it : it.skip)('is set by groff without a warning', () => {
    const { stdout, stderr } = spawnSync('groff', ['-man', '-Tascii', '-P-cbou', '-ww'], {
      input: page,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(stdout).toContain('rollback [options] [file]');
  });

  (isInstalled('mandoc') ? it : it.skip)('has nothing that mandoc warns of, but that it bears no date', () => {
    const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning'], { input: page, encoding: 'utf8' });
    const warnings = stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date'));
    expect(warnings).toEqual([]);
  });
});
