import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { run } from './command-line.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-cli-engine-'));
  mkdirSync(at('share'));
  for (const name of ['a/one', 'a/two', 'b/three']) put(`mail/${name}`, `content of ${name}`);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function at(path: string): string {
  return join(folder, path);
}

function put(path: string, content: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
}

/** A transfer command with the real engine and its answer as JSON. */
async function transfer(verb: string, ...args: readonly string[]): Promise<{ code: number | null; result: unknown }> {
  const folders = verb === 'copy' || verb === 'adopt' ? [at('mail'), at('share')] : [];
  const { code, out } = await run(['transfer', verb, ...folders, '--ledger', at('ledger'), '--json', ...args]);
  const events = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string });
  return { code, result: events.find(({ event }) => event === 'result' || event === 'failed') };
}

describe('the transfer commands, with their engine', () => {
  it('copy, and verify finds a byte that was flipped at the destination', async () => {
    expect(await transfer('copy')).toMatchObject({ code: 0, result: { outcome: 'done', copied: { files: 3 } } });
    expect(await transfer('verify')).toMatchObject({ code: 0, result: { outcome: 'equal', checked: { files: 3 } } });
    const { atime, mtime } = lstatSync(at('share/a/two'));
    put('share/a/two', 'Content of a/two');
    utimesSync(at('share/a/two'), atime, mtime);
    expect(await transfer('verify')).toMatchObject({ code: 3, result: { outcome: 'different', different: 1 } });
    expect(await transfer('verify', '--sample', '50')).toMatchObject({ result: { seed: expect.any(Number) } });
  });

  it('adopt what an earlier ledger had copied, and then copy only what is new', async () => {
    await transfer('copy');
    rmSync(at('ledger'), { recursive: true });
    expect(await transfer('copy')).toMatchObject({ code: 1, result: { code: 'DESTINATION_OTHER' } });
    expect(await transfer('adopt')).toMatchObject({
      code: 0,
      result: { adopted: 3, copied: { files: 0 }, deleted: 0 },
    });
    put('mail/c/new', 'new');
    expect(await transfer('copy')).toMatchObject({
      code: 0,
      result: { kind: 'delta', copied: { files: 1 }, unchanged: 3 },
    });
  });

  it('go the way back, and keep in quarantine what that replaces and removes', async () => {
    await transfer('copy');
    expect(await transfer('reverse', '--quarantine', at('kept'))).toMatchObject({
      code: 1,
      result: { code: 'NO_FINAL_PASS' },
    });
    expect(await transfer('copy', '--final')).toMatchObject({ code: 0, result: { kind: 'final', outcome: 'done' } });
    put('share/a/one', 'changed on the share');
    put('mail/a/one', 'changed in the old tree');
    put('share/c/new', 'new on the share');
    rmSync(at('share/b'), { recursive: true });
    expect(await transfer('reverse', '--quarantine', at('kept'))).toMatchObject({
      code: 3,
      result: { kind: 'reverse', outcome: 'done', copied: { files: 2 }, deleted: 1, skipped: 1 },
    });
    expect(readFileSync(at('mail/a/one'), 'utf8')).toBe('changed on the share');
    expect(readFileSync(at('mail/c/new'), 'utf8')).toBe('new on the share');
    expect(existsSync(at('mail/b'))).toBe(false);
    expect(readFileSync(at('kept/a/one'), 'utf8')).toBe('changed in the old tree');
    expect(readFileSync(at('kept/b/three'), 'utf8')).toBe('content of b/three');
  });
});
