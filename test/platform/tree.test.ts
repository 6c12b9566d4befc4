import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, mkdtemp, readFile, readdir, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { hashTree, missingFrom, sizeOfTree, treeRoot } from '../../src/platform/tree.js';
import { copyTree } from '../../src/platform/tree-copy.js';

/** Not UTF-8, and with a line break. */
const ODD_NAME = Buffer.from([0x2f, 0xff, 0xfe, 0x0a, 0x41]);

describe('a tree', () => {
  let folder: string;
  let source: Buffer;
  let target: Buffer;
  const options = { signal: new AbortController().signal };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-tree-'));
    [source, target] = [treeRoot(join(folder, 'source/')), treeRoot(join(folder, 'target'))];
    await mkdir(join(folder, 'source/deep/er'), { recursive: true });
    await mkdir(target);
    await writeFile(join(folder, 'source/a.imap'), 'one', { mode: 0o640 });
    await writeFile(join(folder, 'source/deep/er/b.dat'), Buffer.alloc(700_000, 7));
    await writeFile(Buffer.concat([source, ODD_NAME]), 'odd');
    await symlink('deep/er/b.dat', join(folder, 'source/link'));
    await utimes(join(folder, 'source/a.imap'), 1_000_000_000, 1_000_000_001.5);
    await utimes(join(folder, 'source/deep'), 1_000_000_000, 1_000_000_002);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is copied with names as bytes, links, modes, times and the owner asked for', async () => {
    const size = await copyTree(source, target, { ...options, owner: { uid: 1234, gid: 1235 } });
    expect(size).toEqual({ files: 3, bytes: 700_006 });
    expect(await hashTree(target, options)).toBe(await hashTree(source, options));
    const file = await lstat(join(folder, 'target/a.imap'));
    expect(file).toMatchObject({ uid: 1234, gid: 1235, mtimeMs: 1_000_000_001_500 });
    expect(file.mode & 0o777).toBe(0o640);
    expect(await lstat(join(folder, 'target/deep'))).toMatchObject({ uid: 1234, mtimeMs: 1_000_000_002_000 });
    expect(await readlink(join(folder, 'target/link'))).toBe('deep/er/b.dat');
    expect(await readFile(Buffer.concat([target, ODD_NAME]), 'utf8')).toBe('odd');
  });

  it('has another hash for every change of a name or content', async () => {
    const before = await hashTree(source, options);
    await writeFile(join(folder, 'source/a.imap'), 'onf');
    const after = await hashTree(source, options);
    await rm(join(folder, 'source/link'));
    expect(new Set([before, after, await hashTree(source, options)]).size).toBe(3);
  });

  it('is copied without what is excluded', async () => {
    const exclude = (path: Buffer): boolean => path.toString() === 'deep';
    await copyTree(source, target, { ...options, exclude });
    expect(await readdir(target)).not.toContain('deep');
    expect(await sizeOfTree(source, { ...options, exclude })).toEqual({ files: 2, bytes: 6 });
  });

  it('never replaces something else at the destination', async () => {
    await writeFile(join(folder, 'target/a.imap'), 'two');
    await expect(copyTree(source, target, options)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
    expect(await readFile(join(folder, 'target/a.imap'), 'utf8')).toBe('two');
  });

  it('says what a copy lacks', async () => {
    await copyTree(source, target, options);
    expect(await missingFrom(source, target, options)).toEqual([]);
    await writeFile(join(folder, 'target/deep/er/b.dat'), Buffer.alloc(700_000, 8));
    await writeFile(join(folder, 'target/more'), 'does not matter');
    expect(await missingFrom(source, target, options)).toEqual(['deep/er/b.dat']);
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    controller.abort(new Error('stop'));
    await expect(copyTree(source, target, { signal: controller.signal })).rejects.toThrow('stop');
  });

  it('is whole after a copy that was killed is run again, without anything half left', async () => {
    for (let index = 0; index < 400; index += 1) {
      await writeFile(join(folder, `source/deep/${index}.imap`), Buffer.alloc(20_000, index));
    }
    const module = new URL('../../src/platform/tree-copy.js', import.meta.url);
    const script = `import { copyTree } from ${JSON.stringify(module.href)};
      await copyTree(Buffer.from(process.argv[1]), Buffer.from(process.argv[2]), { signal: new AbortController().signal });`;
    const args = ['--input-type=module', '-e', script, source.toString(), target.toString()];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    while ((await readdir(join(folder, 'target/deep')).catch(() => [])).length < 50) await sleep(5);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await writeFile(join(folder, 'target/deep/.icewarp-rollout-copy-0123456789abcdef'), 'half');
    await copyTree(source, target, options);
    expect(await hashTree(target, options)).toBe(await hashTree(source, options));
  });
});
