import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { sha256Of, Vault } from '../../src/platform/vault.js';

const STEP = 'A/settings:databases';
const ORIGINAL = Buffer.from([0, 1, 2, 255, 10]);

let folder: string;
let vault: Vault;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-vault-'));
  vault = new Vault(join(folder, 'state'), 'lab');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const root = (): string => join(folder, 'state', 'vault', 'lab');

/** The file of the only entry. */
async function entryFile(): Promise<string> {
  const [name = 'none'] = await readdir(root());
  return join(root(), name);
}

describe('the vault', () => {
  it('gives back the very bytes that it was given, also to the next process', async () => {
    await vault.slot(STEP).keep(ORIGINAL);
    const later = new Vault(join(folder, 'state'), 'lab');
    await expect(later.slot(STEP).original(sha256Of(ORIGINAL))).resolves.toEqual(ORIGINAL);
  });

  it('remembers that there was nothing, which is not the same as an empty file', async () => {
    await vault.slot(STEP).keep(null);
    await expect(vault.slot(STEP).original(null)).resolves.toBeNull();
    await expect(vault.slot(STEP).original(sha256Of(''))).rejects.toMatchObject({ code: 'VAULT_DAMAGED' });
    await vault.slot('B/empty').keep(Buffer.alloc(0));
    await expect(vault.slot('B/empty').original(sha256Of(''))).resolves.toEqual(Buffer.alloc(0));
  });

  it('is written once: a later original changes nothing', async () => {
    await vault.slot(STEP).keep(ORIGINAL);
    await vault.slot(STEP).keep(Buffer.from('ours'));
    await vault.slot(STEP).keep(null);
    await expect(vault.slot(STEP).original(sha256Of(ORIGINAL))).resolves.toEqual(ORIGINAL);
  });

  it('shows its originals, which may hold secrets, to nobody else', async () => {
    await vault.slot(STEP).keep(ORIGINAL);
    expect((await stat(root())).mode & 0o777).toBe(0o700);
    expect((await stat(await entryFile())).mode & 0o777).toBe(0o600);
  });

  it('keeps steps and clusters apart', async () => {
    await vault.slot(STEP).keep(ORIGINAL);
    await expect(vault.slot('B/settings:databases').has()).resolves.toBe(false);
    await expect(new Vault(join(folder, 'state'), 'other').slot(STEP).has()).resolves.toBe(false);
  });

  it('takes a new original once the step is closed', async () => {
    await vault.slot(STEP).keep(ORIGINAL);
    await vault.slot(STEP).close();
    await expect(vault.slot(STEP).has()).resolves.toBe(false);
    await vault.slot(STEP).keep(null);
    await expect(vault.slot(STEP).original(null)).resolves.toBeNull();
  });

  it('names the steps whose way back is open', async () => {
    await expect(vault.open()).resolves.toEqual([]);
    await vault.slot('B/x').keep(null);
    await vault.slot('A/x').keep(ORIGINAL);
    await expect(vault.open()).resolves.toEqual(['A/x', 'B/x']);
  });

  it('forgets everything of its cluster and nothing of another', async () => {
    const other = new Vault(join(folder, 'state'), 'other');
    await vault.slot(STEP).keep(ORIGINAL);
    await other.slot(STEP).keep(ORIGINAL);
    await vault.forget();
    await vault.forget();
    await expect(vault.open()).resolves.toEqual([]);
    await expect(other.open()).resolves.toEqual([STEP]);
  });
});

describe('a vault that is not as it was left', () => {
  it('says so when the entry is missing', async () => {
    await expect(vault.slot(STEP).original(null)).rejects.toMatchObject({ code: 'VAULT_DAMAGED' });
  });

  it('says so when history names another original', async () => {
    await vault.slot(STEP).keep(ORIGINAL);
    await expect(vault.slot(STEP).original(sha256Of('another'))).rejects.toMatchObject({ code: 'VAULT_DAMAGED' });
    await expect(vault.slot(STEP).original(null)).rejects.toMatchObject({ code: 'VAULT_DAMAGED' });
  });

  it('says so when the bytes are no longer those of their own hash', async () => {
    await vault.slot(STEP).keep(ORIGINAL);
    const file = await entryFile();
    const entry = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(file, JSON.stringify({ ...entry, base64: Buffer.from('tampered').toString('base64') }));
    await expect(vault.slot(STEP).original(sha256Of(ORIGINAL))).rejects.toMatchObject({ code: 'VAULT_DAMAGED' });
  });

  it('says so when an entry cannot be read, and does not write over it', async () => {
    await vault.slot(STEP).keep(ORIGINAL);
    const file = await entryFile();
    await writeFile(file, '{"step":');
    for (const attempt of [
      vault.slot(STEP).original(sha256Of(ORIGINAL)),
      vault.slot(STEP).keep(null),
      vault.slot(STEP).has(),
      vault.open(),
    ]) {
      await expect(attempt).rejects.toMatchObject({ code: 'VAULT_DAMAGED' });
    }
    await expect(readFile(file, 'utf8')).resolves.toBe('{"step":');
  });

  it('does not mind what a crash left of a half-written entry', async () => {
    await vault.slot('B/x').keep(null);
    await writeFile(join(root(), `.${'0'.repeat(32)}.json.abcdef012345`), '{"step":');
    await expect(vault.open()).resolves.toEqual(['B/x']);
    await vault.slot(STEP).keep(ORIGINAL);
    await expect(vault.slot(STEP).original(sha256Of(ORIGINAL))).resolves.toEqual(ORIGINAL);
    await vault.forget();
    await expect(stat(root())).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
