import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { runCommand, type RunResult } from '../../src/platform/run.js';
import { isThere, readText } from '../docs/repository.js';

const ROOT = join(import.meta.dirname, '../../..');

/** Licences under which the product may be given on with what it needs, without a duty to publish it. */
const PERMITTED = [
  ...['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'Unlicense'],
  // data of a browser list, with its source named
  'CC-BY-4.0',
];

interface Locked {
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
}

/** What is installed without development dependencies, by its place. */
const shipped = Object.entries(
  (JSON.parse(readText('package-lock.json')) as { packages: Record<string, Locked> }).packages,
).filter(([place, { dev, devOptional }]) => place !== '' && dev !== true && devOptional !== true);

/** The licence that a package names: in the lockfile, or where that is silent in its own words. */
function licenceOf(place: string, { license }: Locked): string {
  if (license !== undefined) return license;
  if (!isThere(`${place}/LICENSE`)) return 'not named';
  // in words only: the one that puts the work into the public domain
  return readText(`${place}/LICENSE`).startsWith('This is free and unencumbered software') ? 'Unlicense' : 'not named';
}

/** Whether an SPDX expression can be met with what is permitted: every part of AND, one of OR. */
function isPermitted(expression: string): boolean {
  const plain = expression.replace(/[()]/g, '');
  if (plain.includes(' OR ') && plain.includes(' AND ')) return false;
  if (plain.includes(' OR ')) return plain.split(' OR ').some((one) => PERMITTED.includes(one));
  return plain.split(' AND ').every((one) => PERMITTED.includes(one));
}

describe('what ships', () => {
  it('has a licence that is permitted', () => {
    expect(shipped.length).toBeGreaterThan(100);
    const others = shipped
      .map(([place, locked]) => `${place}: ${licenceOf(place, locked)}`)
      .filter((line) => !isPermitted(line.slice(line.indexOf(': ') + 2)));
    expect(others).toEqual([]);
  });

  it.each([
    ['MIT', true],
    ['Apache-2.0 AND MIT', true],
    ['(MIT OR EUPL-1.1+)', true],
    ['GPL-3.0-only', false],
    ['MIT AND GPL-3.0-only', false],
    ['not named', false],
  ])('is judged by its whole expression, such as %s', (expression, permitted) => {
    expect(isPermitted(expression)).toBe(permitted);
  });

  it('is pinned by its hash', () => {
    const loose = shipped.filter(([, { resolved, integrity }]) => resolved !== undefined && integrity === undefined);
    expect(loose.map(([place]) => place)).toEqual([]);
  });

  it('is listed by the build, each direct dependency with its version', () => {
    const { bomFormat, components } = JSON.parse(readText('dist/sbom.cdx.json')) as {
      bomFormat: string;
      components: readonly { name: string; version: string; purl: string }[];
    };
    expect(bomFormat).toBe('CycloneDX');
    const listed = components.map(({ purl }) => decodeURIComponent(purl).replace(/^pkg:npm\//, ''));
    const { dependencies } = JSON.parse(readText('package.json')) as { dependencies: Record<string, string> };
    for (const name of Object.keys(dependencies)) {
      expect(listed.some((one) => one.startsWith(`${name}@`))).toBe(true);
    }
    expect(listed.filter((one) => /^(jest|typescript|eslint)@/.test(one))).toEqual([]);
    const { files } = JSON.parse(readText('package.json')) as { files: string[] };
    expect(files).toContain('dist/sbom.cdx.json');
  });
});

describe('the look for advisories', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-npm-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Runs it with an npm that prints this and ends so. */
  async function audit(printed: unknown, exitCode: number): Promise<RunResult> {
    await writeFile(join(folder, 'answer'), JSON.stringify(printed));
    await writeFile(join(folder, 'npm'), `#!/bin/sh\ncat '${folder}/answer'\nexit ${exitCode}\n`);
    await chmod(join(folder, 'npm'), 0o755);
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    return runCommand(process.execPath, [join(ROOT, 'scripts/audit.mjs')], { accept: [0, 1], env });
  }

  it('passes without any of severity high', async () => {
    const vulnerabilities = { a: { name: 'a', severity: 'moderate' } };
    expect(await audit({ vulnerabilities }, 1)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('no advisory'),
    });
  });

  it('fails on one of severity high or critical, and names it', async () => {
    const vulnerabilities = { a: { name: 'a', severity: 'low' }, b: { name: 'b', severity: 'critical' } };
    expect(await audit({ vulnerabilities }, 1)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/b \(critical\)$/),
    });
  });

  it('says that nothing was checked where the registry does not answer', async () => {
    const { exitCode, stderr, stdout } = await audit({ message: '405 Method Not Allowed', error: {} }, 1);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stderr).toContain('not checked: the registry has not answered (405 Method Not Allowed)');
  });
});
