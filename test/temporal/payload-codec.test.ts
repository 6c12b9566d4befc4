import { randomBytes } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import fc from 'fast-check';

import { EncryptingCodec } from '../../src/temporal/payload-codec.js';
import { parsePayloadKeys, type PayloadKeys } from '../../src/temporal/payload-keys.js';

const MARKER = 'marker-in-the-open';
const OLD = line('2026-06');
const NEW = line('2026-12');

function line(id: string): string {
  return `${id} ${randomBytes(32).toString('base64')}`;
}

const codec = (...lines: readonly string[]): EncryptingCodec => new EncryptingCodec(keysOf(...lines));
const keysOf = (...lines: readonly string[]): PayloadKeys =>
  lines.length === 0 ? { all: new Map() } : parsePayloadKeys(lines.join('\n'));
const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valueOf = (payload: Payload | undefined): unknown =>
  payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);
const bytesOf = (payloads: readonly Payload[]): string =>
  payloads.map(({ data, metadata }) => Buffer.from(data ?? []).toString('latin1') + JSON.stringify(metadata)).join();

describe('payload encryption', () => {
  it('gives back what was sent, whatever it is', async () => {
    const one = codec(NEW);
    const value = fc.oneof(fc.jsonValue(), fc.uint8Array({ maxLength: 5_000 }), fc.constant(undefined));
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 5 }), async (values) => {
        const back = await one.decode(await one.encode(values.map(payloadOf)));
        expect(back.map(valueOf)).toEqual(values.map(payloadOf).map(valueOf));
      }),
    );
  });

  it('leaves neither content nor kind in the open, only the id of the key', async () => {
    const encrypted = await codec(NEW).encode([payloadOf({ MARKER })]);
    expect(bytesOf(encrypted)).not.toContain(MARKER);
    expect(bytesOf(encrypted)).not.toContain('json');
    expect(Object.keys(encrypted[0]?.metadata ?? {})).toEqual(['encoding', 'encryption-key-id']);
    expect(Buffer.from(encrypted[0]?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('2026-12');
  });

  it('never gives the same twice', async () => {
    const [one, two] = await codec(NEW).encode([payloadOf(MARKER), payloadOf(MARKER)]);
    expect(one?.data).not.toEqual(two?.data);
  });

  it('after a rotation still reads what a former key has encrypted, and encrypts with the new one', async () => {
    const before = await codec(OLD).encode([payloadOf('old')]);
    const rotated = codec(NEW, OLD);
    const after = await rotated.encode([payloadOf('new')]);
    expect((await rotated.decode([...before, ...after])).map(valueOf)).toEqual(['old', 'new']);
    await expect(codec(OLD).decode(after)).rejects.toMatchObject({ code: 'PAYLOAD_KEY_UNKNOWN' });
  });

  it('takes what was sent before there was a key as it is', async () => {
    expect((await codec(NEW).decode([payloadOf('plain')])).map(valueOf)).toEqual(['plain']);
  });

  it('is off without keys: what is sent stays as it is, and what is encrypted is refused with the id of its key', async () => {
    const plain = [payloadOf('plain')];
    await expect(codec().encode(plain)).resolves.toEqual(plain);
    const encrypted = await codec(NEW).encode(plain);
    await expect(codec().decode(encrypted)).rejects.toMatchObject({
      code: 'PAYLOAD_KEY_UNKNOWN',
      message: expect.stringContaining('"2026-12"') as unknown,
      next: expect.stringContaining('payload keys') as unknown,
    });
  });

  it('refuses another key of the same id, and names that', async () => {
    const encrypted = await codec(NEW).encode([payloadOf('plain')]);
    await expect(codec(line('2026-12')).decode(encrypted)).rejects.toMatchObject({
      code: 'PAYLOAD_KEY_WRONG',
      message: expect.stringContaining('"2026-12"') as unknown,
    });
  });

  it('refuses every change of a single bit, and every cut', async () => {
    const one = codec(NEW);
    const [{ metadata = {}, data = new Uint8Array() } = {}] = await one.encode([payloadOf('whole')]);
    const refused = async (changed: Uint8Array): Promise<void> => {
      await expect(one.decode([{ metadata: metadata ?? {}, data: changed }])).rejects.toMatchObject({
        code: 'PAYLOAD_KEY_WRONG',
      });
    };
    const bytes = data ?? new Uint8Array();
    for (let index = 0; index < bytes.length * 8; index += 1) {
      const changed = Uint8Array.from(bytes);
      changed[index >> 3] = (changed[index >> 3] ?? 0) ^ (1 << (index & 7));
      await refused(changed);
    }
    for (let length = 0; length < bytes.length; length += 1) await refused(bytes.subarray(0, length));
  });

  it('refuses what was encrypted under another id, also with the same key', async () => {
    const key = randomBytes(32).toString('base64');
    const [{ data } = {}] = await codec(`one ${key}`).encode([payloadOf('moved')]);
    const two = codec(`two ${key}`);
    const [{ metadata } = {}] = await two.encode([payloadOf('other')]);
    await expect(two.decode([{ metadata: metadata ?? {}, data: data ?? null }])).rejects.toMatchObject({
      code: 'PAYLOAD_KEY_WRONG',
    });
  });
});
