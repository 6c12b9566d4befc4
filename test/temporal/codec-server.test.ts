import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';

import { startCodecServer, type CodecServer, type CodecServerOptions } from '../../src/temporal/codec-server.js';
import { EncryptingCodec } from '../../src/temporal/payload-codec.js';
import { parsePayloadKeys } from '../../src/temporal/payload-keys.js';

const ORIGIN = 'http://127.0.0.1:8233';
const STRANGE = 'http://evil.example.com';
const codec = new EncryptingCodec(parsePayloadKeys(`own ${randomBytes(32).toString('base64')}`));
const other = new EncryptingCodec(parsePayloadKeys(`other ${randomBytes(32).toString('base64')}`));

let server: CodecServer;

beforeEach(async () => {
  server = await started();
});

afterEach(async () => {
  await server.stop();
});

function started(options: Partial<CodecServerOptions> = {}): Promise<CodecServer> {
  return startCodecServer(codec, { host: '127.0.0.1', port: 0, origin: ORIGIN, ...options });
}

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly origin?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** As the Web UI asks. */
function ask({
  path = '/decode',
  method = 'POST',
  origin = ORIGIN,
  headers = {},
  body = '',
}: Asked): Promise<Response> {
  return fetch(`http://127.0.0.1:${server.port}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      'x-namespace': 'default',
      ...(origin === null ? {} : { origin }),
      ...headers,
    },
    ...(method === 'POST' ? { body } : {}),
  });
}

/** As protocol buffers are written in JSON. */
function jsonOf(payloads: readonly Payload[]): string {
  const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');
  return JSON.stringify({
    payloads: payloads.map(({ metadata, data }) => ({
      metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, text(value)])),
      data: text(data),
    })),
  });
}

const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);

async function valuesIn(response: Response): Promise<unknown[]> {
  const { payloads } = (await response.json()) as { payloads: { data: string }[] };
  return payloads.map(({ data }) => JSON.parse(Buffer.from(data, 'base64').toString()) as unknown);
}

describe('the codec server', () => {
  it('decodes what is encrypted and leaves alone what is not, below any path', async () => {
    const body = jsonOf([...(await codec.encode([payloadOf({ host: 'a' })])), payloadOf('plain')]);
    for (const path of ['/decode', '/rehearsal/decode', '/decode?x=1']) {
      const response = await ask({ path, body });
      expect(response.status).toBe(200);
      await expect(valuesIn(response)).resolves.toEqual([{ host: 'a' }, 'plain']);
    }
  });

  it('encodes what the Web UI sends', async () => {
    const encoded = await ask({ path: '/encode', body: jsonOf([payloadOf('sent')]) });
    const text = await encoded.text();
    expect(text).not.toContain(Buffer.from('"sent"').toString('base64'));
    await expect(valuesIn(await ask({ body: text }))).resolves.toEqual(['sent']);
  });

  it('answers what it has no key for with the id of that', async () => {
    const response = await ask({ body: jsonOf(await other.encode([payloadOf('x')])) });
    expect(response.status).toBe(422);
    await expect(response.json()).resolves.toMatchObject({
      code: 'PAYLOAD_KEY_UNKNOWN',
      message: expect.stringContaining('"other"') as unknown,
    });
  });

  it('lets pages of the Web UI’s origin call it, and no others', async () => {
    const preflight = { method: 'OPTIONS', headers: { 'access-control-request-private-network': 'true' } };
    const own = await ask(preflight);
    expect(own.status).toBe(204);
    expect(Object.fromEntries(own.headers)).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-headers': expect.stringContaining('x-namespace') as unknown,
      'access-control-allow-private-network': 'true',
    });
    const body = jsonOf(await codec.encode([payloadOf('hidden')]));
    expect((await ask({ body })).headers.get('access-control-allow-origin')).toBe(ORIGIN);
    for (const origin of [STRANGE, 'null', `${ORIGIN}.evil.example.com`, ORIGIN.toUpperCase(), 'http://127.0.0.1']) {
      for (const asked of [preflight, { body }]) {
        const response = await ask({ ...asked, origin });
        expect({ origin, status: response.status }).toEqual({ origin, status: 403 });
        expect(response.headers.get('access-control-allow-origin')).toBeNull();
        await expect(response.text()).resolves.toBe('');
      }
    }
  });

  it('serves programs that are no pages', async () => {
    const response = await ask({ origin: null, body: jsonOf(await codec.encode([payloadOf('cli')])) });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    await expect(valuesIn(response)).resolves.toEqual(['cli']);
  });

  it.each<[string, Asked, number]>([
    ['another path', { path: '/' }, 404],
    ['another method', { method: 'GET' }, 405],
    ['no JSON', { body: '{' }, 400],
    ['other JSON', { body: '{"payloads":[{"data":1}]}' }, 400],
    ['no base64', { body: '{"payloads":[{"data":"!"}]}' }, 400],
    ['more than any history has on a page', { body: 'x'.repeat(33 * 1024 * 1024) }, 413],
  ])('refuses %s', async (_case, asked, status) => {
    // who sends more than is read may find the line cut instead of an answer
    const answered = await ask(asked).then(
      (response) => response.status,
      () => 413,
    );
    expect(answered).toBe(status);
    expect((await ask({ body: jsonOf([]) })).status).toBe(200);
  });

  it('goes on after one who hangs up in the middle', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('POST /decode HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"payloads"');
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    expect((await ask({ body: jsonOf([]) })).status).toBe(200);
  });

  it('with a token answers only who has it; a browser’s question beforehand needs none', async () => {
    await server.stop();
    server = await started({ token: 'open sesame' });
    const body = jsonOf(await codec.encode([payloadOf('hidden')]));
    for (const authorization of [
      undefined,
      'Bearer',
      'Bearer open',
      'open sesame',
      'Bearer open sesame ',
      'Basic open sesame',
    ]) {
      const response = await ask({ body, headers: authorization === undefined ? {} : { authorization } });
      expect({ authorization, status: response.status }).toEqual({
        authorization,
        // HTTP takes blanks at the end of a header away
        status: authorization === 'Bearer open sesame ' ? 200 : 401,
      });
    }
    expect((await ask({ method: 'OPTIONS' })).status).toBe(204);
    const admitted = await ask({ body, headers: { authorization: 'Bearer open sesame' } });
    await expect(valuesIn(admitted)).resolves.toEqual(['hidden']);
  });
});
