import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { execFileSync } from 'node:child_process';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { runSync } from '../../src/transfer/io-sync.js';
import { close, type Sequence } from '../../src/transfer/io.js';
import { encodePart } from '../../src/transfer/parts.js';
import { idKey, nameKey, TABLE } from '../../src/transfer/ledger-keys.js';
import { Ledger, ROOT_FOLDER } from '../../src/transfer/ledger.js';
import { ROW_SIZE, writeRow } from '../../src/transfer/row.js';
import { runEngine } from '../../src/transfer/run.js';
import { openItself, readSourceLink, realRoot } from '../../src/transfer/source-file.js';
import type { VerifyResult } from '../../src/transfer/types.js';
import { Trees, WAYS } from './trees.js';

let trees: Trees;

beforeEach(() => {
  trees = new Trees(false);
});
afterEach(() => {
  trees.remove();
});

/** Carries out a sequence whose budget is without limits. */
function now<T>(sequence: Sequence<T>): T {
  return runSync(sequence, () => true);
}

/** A folder outside both trees, with a file that is none of theirs. */
function outside(): string {
  const folder = trees.in('outside');
  mkdirSync(folder);
  writeFileSync(`${folder}/a`, 'a secret of somebody else');
  symlinkSync('where-it-lies', `${folder}/link`);
  return folder;
}

describe('a path below a root', () => {
  it('is opened where it really lies, also where the root was named by way of a link', () => {
    trees.make('user/inbox/a');
    symlinkSync(trees.source, trees.in('by-name'));
    const root = realRoot(trees.in('by-name'));
    expect(root).toBe(realRoot(trees.source));
    now(close(now(openItself(`${root}/user/inbox/a`, 0))));
    expect(now(openItself(`${root}/user/inbox/a`, 0))).toBeGreaterThan(2);
  });

  it('is not opened through a link, at whichever depth it lies', () => {
    trees.make('user/inbox/b');
    const folder = outside();
    rmSync(trees.from('user/inbox'), { recursive: true });
    symlinkSync(folder, trees.from('user/inbox'));
    symlinkSync(`${folder}/a`, trees.from('user/a'));
    mkdirSync(`${folder}/deep`);
    writeFileSync(`${folder}/deep/a`, 'deeper');
    for (const path of ['user/inbox/a', 'user/inbox/deep/a', 'user/a']) {
      const open = (): unknown => now(openItself(`${realRoot(trees.source)}/${path}`, 0));
      expect(open).toThrow(expect.objectContaining({ code: 'ELOOP' }));
    }
    const read = (): unknown => now(readSourceLink(`${realRoot(trees.source)}/user/inbox`, 'link'));
    expect(read).toThrow(expect.objectContaining({ code: expect.stringMatching(/^(ELOOP|ENOTDIR)$/) }));
  });
});

describe.each(WAYS)('a copy by %s', (_way, lanes) => {
  it('brings in nothing through a folder that has become a link between two passes', async () => {
    trees = new Trees(lanes);
    trees.make('user/inbox/a', 'user/b');
    await trees.pass('seed');
    const folder = outside();
    renameSync(trees.from('user/inbox'), trees.in('away'));
    symlinkSync(folder, trees.from('user/inbox'));
    const result = await trees.pass('delta');
    expect(trees.listed(result)).toEqual(['user/inbox: LINK_OUTSIDE']);
    expect(existsSync(trees.to('user/inbox/link'))).toBe(false);
    const copy = trees.to('user/inbox/a');
    // what was copied goes or stays as deletions go: with another content it never is
    if (existsSync(copy)) expect(readFileSync(copy, 'utf8')).toBe('content of user/inbox/a');
  });
});

describe('a ledger that somebody has written to', () => {
  const row = Buffer.alloc(ROW_SIZE);
  writeRow(row, 0, {
    ...{ size: 25n, mtime: 0n, ctime: 0n, ino: 0n, mode: 0o644, uid: 0, gid: 0, generation: 0xffff_ffff },
    ...{ state: 1, type: 1, linked: false, timeLost: false, hash: new Uint8Array(32) },
  });

  /** Writes into the ledger what no pass would. */
  async function tamper(...rows: readonly (readonly [Buffer, Buffer])[]): Promise<void> {
    const ledger = Ledger.open(trees.ledger, hostname());
    for (const [key, value] of rows) ledger.put(key, value);
    await ledger.close();
  }

  it.each([
    ['a file in the folder above', [nameKey(TABLE.file, ROOT_FOLDER, '../outside/a'), row]],
    ['a folder that is the one above', [idKey(TABLE.place, 2), nameKey(TABLE.folder, ROOT_FOLDER, '..')]],
    ['a folder within itself', [idKey(TABLE.place, 2), nameKey(TABLE.folder, 2, 'user')]],
    [
      'a part under the name of another file',
      [
        nameKey(TABLE.part, ROOT_FOLDER, 'b'),
        encodePart({ temp: '../outside/a', identity: { size: 1n, mtime: 1n, ctime: 1n, ino: 1n }, chunks: [] }),
      ],
    ],
  ] as const)('and that names %s is refused, and nothing outside is touched', async (_what, tampered) => {
    const folder = outside();
    trees.make('user/a', 'b');
    await trees.pass('seed');
    trees.removeFrom('user');
    await tamper(tampered);
    await expect(trees.pass('delta')).rejects.toMatchObject({ code: 'LEDGER_DAMAGED' });
    expect(readFileSync(`${folder}/a`, 'utf8')).toBe('a secret of somebody else');
  });
});

describe('a verification', () => {
  async function verify(): Promise<VerifyResult> {
    const { ledger, destination } = trees;
    return (await runEngine({ task: 'verify', options: { ledger, destination } })) as VerifyResult;
  }

  it('takes no equal file elsewhere for a copy, and does not wait for a pipe', async () => {
    trees.make('user/inbox/a', 'user/pipe');
    await trees.pass('seed');
    expect(await verify()).toMatchObject({ different: 0 });
    renameSync(trees.to('user/inbox'), trees.in('elsewhere'));
    symlinkSync(trees.in('elsewhere'), trees.to('user/inbox'));
    rmSync(trees.to('user/pipe'));
    execFileSync('mkfifo', [trees.to('user/pipe')]);
    expect(await verify()).toMatchObject({ different: 2 });
  });
});
