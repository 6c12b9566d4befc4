import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { SecretSource } from '../../src/platform/secret-source.js';
import { SecretStore } from '../../src/platform/secrets.js';

const VARIABLE = 'ICEWARP_ROLLOUT_TEST_SECRET';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-secrets-'));
  file = join(folder, 'secret');
});

afterEach(async () => {
  Reflect.deleteProperty(process.env, VARIABLE);
  await rm(folder, { recursive: true, force: true });
});

async function written(value: string, mode = 0o600): Promise<SecretSource> {
  await writeFile(file, value);
  await chmod(file, mode);
  return { file };
}

async function valueOf(store: SecretStore): Promise<string> {
  return (await store.resolve('db')).reveal();
}

async function failureOf(resolving: Promise<unknown>): Promise<Error & { code?: string }> {
  return resolving.then(
    () => new Error('it did not fail'),
    (error: unknown) => error as Error,
  );
}

describe('a secret', () => {
  it('comes from a file that only its owner can read', async () => {
    const store = new SecretStore({ db: await written('from a file\n') });
    await expect(valueOf(store)).resolves.toBe('from a file');
  });

  it.each([0o640, 0o604])('is refused from a file that others can read (%o)', async (mode) => {
    const store = new SecretStore({ db: await written('open', mode) });
    const error = await failureOf(store.resolve('db'));
    expect(error).toMatchObject({ code: 'SECRET_MISSING', message: expect.stringContaining('chmod 600') as unknown });
  });

  (process.getuid?.() === 0 ? it : it.skip)('is refused from a file of another user', async () => {
    const source = await written('not ours');
    await chown(file, 65_534, 65_534);
    const error = await failureOf(new SecretStore({ db: source }).resolve('db'));
    expect(error).toMatchObject({
      code: 'SECRET_MISSING',
      message: expect.stringContaining('another user') as unknown,
    });
  });

  it.each<[string, () => Promise<string>]>([
    ['a folder', async () => folder],
    ['larger than any secret', async () => (await written('x'.repeat(100_000)), file)],
  ])('is refused from what is %s', async (_case, place) => {
    const error = await failureOf(new SecretStore({ db: { file: await place() } }).resolve('db'));
    expect(error.code).toBe('SECRET_MISSING');
  });

  it('comes from an environment variable', async () => {
    process.env[VARIABLE] = 'from the environment';
    await expect(valueOf(new SecretStore({ db: { env: VARIABLE } }))).resolves.toBe('from the environment');
  });

  it('comes from what a command prints', async () => {
    const store = new SecretStore({ db: { command: ['printf', 'from %s\r\n', 'a command'] } });
    await expect(valueOf(store)).resolves.toBe('from a command');
  });

  it('comes from a command that gets those variables of the agent that are named, and no others', async () => {
    process.env[VARIABLE] = 'token';
    const print = ['sh', '-c', `printf %s "[$${VARIABLE}]"`];
    const passed = new SecretStore({ db: { command: print, pass: [VARIABLE, 'NOT_SET_ANYWHERE'] } });
    await expect(valueOf(passed)).resolves.toBe('[token]');
    await expect(valueOf(new SecretStore({ db: { command: print } }))).resolves.toBe('[]');
  });

  it('whose command is cancelled is not waited for', async () => {
    const store = new SecretStore({ db: { command: ['sleep', '60'] } });
    const error = await failureOf(store.resolve('db', AbortSignal.timeout(100)));
    expect(error.name).toBe('TimeoutError');
  });

  it.each<[string, SecretSource]>([
    ['has an unset variable', { env: VARIABLE }],
    ['has no file', { file: '/nonexistent/secret' }],
    ['is what a silent command prints', { command: ['true'] }],
  ])('is missing when it %s', async (_case, source) => {
    await expect(new SecretStore({ db: source }).resolve('db')).rejects.toMatchObject({ code: 'SECRET_MISSING' });
  });

  it.each(['other', 'constructor', '__proto__'])('is missing when agent.yaml does not define "%s"', async (name) => {
    await expect(new SecretStore({}).resolve(name)).rejects.toMatchObject({ code: 'SECRET_MISSING' });
  });

  it('whose command fails is missing, and nothing of what that printed is kept for any log', async () => {
    const store = new SecretStore({ db: { command: ['sh', '-c', 'echo half-a-secret; echo oops >&2; exit 1'] } });
    const error = await failureOf(store.resolve('db'));
    expect(error).toMatchObject({ code: 'SECRET_MISSING', message: 'the command of the secret "db" failed' });
    expect(error.cause).toBeUndefined();
  });

  it('whose command is not there says so', async () => {
    const store = new SecretStore({ db: { command: ['no-such-command-here'] } });
    await expect(store.resolve('db')).rejects.toMatchObject({ code: 'COMMAND_MISSING' });
  });

  it.each(['a;b', 'a|b', 'a\nb', 'a\rb', 'a\0b'])(
    'with a character that IceWarp cannot carry is refused: %j',
    async (value) => {
      const error = await failureOf(new SecretStore({ db: await written(value) }).resolve('db'));
      expect(error.code).toBe('SECRET_UNUSABLE');
      expect(error.message).not.toContain(value);
    },
  );

  it('corrected at its source is the new one at the next use, and both are redacted', async () => {
    const store = new SecretStore({ db: await written('wrong-value') });
    await store.resolve('db');
    await written('right-value');
    await expect(valueOf(store)).resolves.toBe('right-value');
    expect(store.redact('not wrong-value but right-value')).toBe('not [secret] but [secret]');
  });
});

describe('redaction', () => {
  async function storeOf(...values: string[]): Promise<SecretStore> {
    const store = new SecretStore(
      Object.fromEntries(values.map((value, index) => [`s${index}`, { command: ['printf', '%s', value] }])),
    );
    for (const index of values.keys()) await store.resolve(`s${index}`);
    return store;
  }

  it('finds a secret as it is, in an address and in JSON, as often as it is there', async () => {
    const value = 'p%w "odd\' \\ 1';
    const store = await storeOf(value);
    const text = `${value} mysql://u:${encodeURIComponent(value)}@h ${JSON.stringify({ value })} ${value}`;
    expect(store.redact(text)).toBe('[secret] mysql://u:[secret]@h {"value":"[secret]"} [secret]');
  });

  it.each([[['abc', 'abcdef']], [['abcdef', 'abc']]])(
    'leaves no rest of a secret that begins with another one: %j',
    async (values) => {
      expect((await storeOf(...values)).redact('abcdef, abc')).toBe('[secret], [secret]');
    },
  );

  it('leaves a text alone that holds no secret', async () => {
    expect((await storeOf('abc')).redact('nothing')).toBe('nothing');
  });

  it('is not needed for the store itself, which shows neither values nor sources', async () => {
    const store = await storeOf('hidden-value');
    for (const shown of [inspect(store, { depth: 9, showHidden: true }), JSON.stringify(store)]) {
      expect(shown).not.toContain('hidden-value');
    }
  });
});
