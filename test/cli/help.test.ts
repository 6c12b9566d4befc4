import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import type { Command } from 'commander';

import { programWith } from '../../src/cli/program.js';
import { CLIENT, run } from './command-line.js';

const program = programWith({
  worker: () => Promise.resolve(0),
  recover: { node: () => Promise.resolve(0), rollout: () => Promise.resolve(0) },
});

/** Every command and sub-command with the words that call it. */
function withAllBelow(command: Command, words: readonly string[] = []): { name: string; command: Command }[] {
  const below = command.commands.flatMap((inner) => withAllBelow(inner, [...words, inner.name()]));
  return [{ name: ['icewarp-rollout', ...words].join(' '), command }, ...below];
}

const commands = withAllBelow(program);

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

describe('the help', () => {
  it('is there for every command that the documents name', () => {
    const leaves = commands.filter(({ command }) => command.commands.length === 0).map(({ name }) => name.slice(16));
    expect(leaves.sort()).toEqual(
      [
        ...['validate', 'doctor', 'plan', 'start', 'status', 'watch', 'verify', 'retry', 'skip', 'approve'],
        ...['pause', 'resume', 'rollback', 'reject', 'limits', 'complete', 'report', 'explain', 'completion'],
        ...['cutover now', 'cutover at', 'cutover cancel'],
        ...['worker', 'recover', 'lab up', 'lab down', 'lab status', 'lab demo', 'lb render', 'codec serve'],
        ...['start', 'target', 'stop', 'check'].map((name) => `lab load ${name}`),
        ...['copy', 'verify', 'reverse', 'adopt', 'status', 'limit'].map((name) => `transfer ${name}`),
      ].sort(),
    );
  });

  it.each(commands)('of "$name" leads with examples of it and ends with its exit codes', ({ name, command }) => {
    const help = helpOf(command);
    expect(help.trimStart()).toMatch(/^Examples?:\n {2}\$ icewarp-rollout /);
    const examples = help.split('\n').filter((line) => line.startsWith('  $ '));
    expect(examples.filter((line) => !line.startsWith(`  $ ${name}`))).toEqual([]);
    expect(help.trimEnd()).toMatch(/\nExit status: 0 [^]*$/);
    expect(help.indexOf('Exit status:')).toBeGreaterThan(help.indexOf('Options:'));
  });

  // but for completion, whose answer is a program
  it.each(commands.filter(({ name, command }) => command.commands.length === 0 && !name.endsWith(' completion')))(
    'of "$name" offers --json',
    ({ command }) => {
      expect(command.options.map(({ long }) => long)).toContain('--json');
    },
  );

  it('is printed by the program itself, with exit code 0', async () => {
    for (const args of [['--help'], ['lab', 'up', '--help']]) {
      const { code, out, err } = await run(args);
      expect({ code, err, out }).toEqual({ code: 0, err: '', out: expect.stringContaining('Examples:') });
    }
  });

  it('loads nothing of Temporal or of the database client', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-loaded-'));
    try {
      // V8's own list of every script that the process compiled
      expect((await run(['--help'], { NODE_V8_COVERAGE: folder })).code).toBe(0);
      const [report = ''] = await readdir(folder);
      const { result } = JSON.parse(await readFile(join(folder, report), 'utf8')) as { result: { url: string }[] };
      const packages = result.flatMap(({ url }) => /\/node_modules\/(@[^/]+\/[^/]+|[^/]+)/.exec(url)?.[1] ?? []);
      expect([...new Set(packages)]).toEqual(['commander']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('takes hardly longer than Node.js itself takes to start', async () => {
    const bare: number[] = [];
    const help: number[] = [];
    // by turns, so that a busy moment of the machine meets both
    for (let turn = 0; turn < 9; turn += 1) {
      bare.push(await millisecondsOf(['-e', '0']));
      help.push(await millisecondsOf([CLIENT, '--help']));
    }
    // the client of Temporal alone makes it ten times as long
    expect(median(help) / median(bare)).toBeLessThan(3);
  }, 60_000);
});

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function millisecondsOf(args: readonly string[]): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  return performance.now() - began;
}
