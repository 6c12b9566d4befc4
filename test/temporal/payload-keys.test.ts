import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { loadOperatorsPayloadKeys, loadPayloadKeys, parsePayloadKeys } from '../../src/temporal/payload-keys.js';

const VARIABLE = 'TEMPORAL_PAYLOAD_KEYS';
const KEY = randomBytes(32).toString('base64');
const OTHER = randomBytes(32).toString('base64');

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-keys-'));
});

afterEach(async () => {
  Reflect.deleteProperty(process.env, VARIABLE);
  await rm(folder, { recursive: true, force: true });
});

async function written(name: string, text: string, mode = 0o600): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

describe('the list of payload keys', () => {
  it('encrypts with its first key and decrypts with all of them', () => {
    const { current, all } = parsePayloadKeys(`# since December\n\n2026-12  ${KEY}\r\n2026-06 ${OTHER}\n`);
    expect(current?.id).toBe('2026-12');
    expect(current?.key.export().toString('base64')).toBe(KEY);
    expect([...all].map(([id, key]) => [id, key.export().toString('base64')])).toEqual([
      ['2026-12', KEY],
      ['2026-06', OTHER],
    ]);
  });

  it.each([
    ['no key at all', '# nothing\n', 'hold no key'],
    ['a key without id', KEY, 'line 1'],
    ['an id without key', '2026-12', 'line 1'],
    ['a key that is too short', `a ${randomBytes(16).toString('base64')}`, 'line 1'],
    ['a key that is too long', `a ${randomBytes(33).toString('base64')}`, 'line 1'],
    ['a key in hex', `a ${randomBytes(32).toString('hex')}`, 'line 1'],
    ['a key with a letter that is no base64', `a ${KEY.replace(/./, '!')}`, 'line 1'],
    ['an id with a quote', `"a" ${KEY}`, 'line 1'],
    ['more words', `a ${KEY} more`, 'line 1'],
    ['an id twice', `a ${KEY}\na ${OTHER}`, 'line 2'],
  ])('with %s is refused, naming the line and no key', (_case, text, place) => {
    const failing = (): unknown => parsePayloadKeys(text);
    expect(failing).toThrow(expect.objectContaining({ code: 'PAYLOAD_KEYS' }));
    expect(failing).toThrow(place);
    try {
      failing();
    } catch (error) {
      for (const word of text.split(/\s/).filter((one) => one.length > 20)) expect(inspect(error)).not.toContain(word);
    }
  });

  it('shows no key to inspect and JSON', () => {
    const keys = parsePayloadKeys(`a ${KEY}`);
    const shown = inspect(keys, { depth: 9, showHidden: true }) + JSON.stringify([keys, ...keys.all]);
    for (const form of [KEY, Buffer.from(KEY, 'base64').toString('hex')]) expect(shown).not.toContain(form);
  });
});

describe('a process', () => {
  it('has no keys where nobody named any', async () => {
    const { current, all } = await loadPayloadKeys(undefined);
    expect({ current, size: all.size }).toEqual({ current: undefined, size: 0 });
  });

  it('takes its keys from agent.yaml’s source, or from the file that the environment names', async () => {
    const source = { command: ['printf', '%s\\n', `printed ${KEY}`] };
    expect((await loadPayloadKeys(source)).current?.id).toBe('printed');
    process.env[VARIABLE] = await written('keys', `file ${KEY}\nolder ${OTHER}\n`);
    const keys = await loadPayloadKeys(source);
    expect([keys.current?.id, ...keys.all.keys()]).toEqual(['file', 'file', 'older']);
  });

  it('refuses keys that others can read, or that are not there', async () => {
    process.env[VARIABLE] = await written('keys', `file ${KEY}`, 0o640);
    await expect(loadPayloadKeys(undefined)).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      message: expect.stringContaining('chmod 600') as unknown,
    });
    process.env[VARIABLE] = join(folder, 'nowhere');
    await expect(loadPayloadKeys(undefined)).rejects.toMatchObject({ code: 'SECRET_MISSING' });
  });
});

describe('a command', () => {
  it('takes the keys of this machine’s agent, where there is one that has any', async () => {
    const keys = await written('keys', `agents ${KEY}`);
    const agent = await written('agent.yaml', `cluster: lab\npayloadKeys: { file: ${keys} }\n`);
    expect((await loadOperatorsPayloadKeys(agent)).current?.id).toBe('agents');
    const without = await written('other.yaml', 'cluster: lab\n');
    expect((await loadOperatorsPayloadKeys(without)).current).toBeUndefined();
    expect((await loadOperatorsPayloadKeys(join(folder, 'nowhere'))).current).toBeUndefined();
  });

  it('asks nobody else when the environment names a file', async () => {
    process.env[VARIABLE] = await written('keys', `own ${KEY}`);
    const broken = await written('agent.yaml', 'cluster: [');
    expect((await loadOperatorsPayloadKeys(broken)).current?.id).toBe('own');
  });

  it('says so when that agent’s file is wrong, instead of going on in the open', async () => {
    const broken = await written('agent.yaml', 'cluster: [');
    await expect(loadOperatorsPayloadKeys(broken)).rejects.toMatchObject({ code: 'AGENT_CONFIG' });
  });
});
