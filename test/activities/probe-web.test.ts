import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { webClientAnswers } from '../../src/activities/mail/web.js';

const never = new AbortController().signal;
let server: Server;
let port: number;
let status = 200;

beforeAll(async () => {
  server = createServer((request, response) => {
    response.writeHead(request.url === '/webmail/' ? status : 404).end('page');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  ({ port } = server.address() as AddressInfo);
});

afterAll(() => {
  server.close();
});

describe('the web client of a node', () => {
  it('passes with 200', async () => {
    status = 200;
    await expect(webClientAnswers({ address: '127.0.0.1', port }, never)).resolves.toBeUndefined();
  });

  it('fails with any other answer, which is named', async () => {
    status = 503;
    await expect(webClientAnswers({ address: '127.0.0.1', port }, never)).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: 'web client: expected 200, but 503 came',
    });
  });

  it('is tried again when nobody answers', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port: closed } = silent.address() as AddressInfo;
    await new Promise((resolve) => silent.close(resolve));
    await expect(webClientAnswers({ address: '127.0.0.1', port: closed }, never)).rejects.toMatchObject({
      code: 'PROBE_UNREACHABLE',
      retryable: true,
    });
  });
});
