import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo } from 'node:net';

import type { Payload } from '@temporalio/common';
import { z } from 'zod';

import { RolloutError } from '../cluster/errors.js';
import type { EncryptingCodec } from './payload-codec.js';

/** Bytes of the largest request: a page of a history. */
const LARGEST = 32 * 1024 * 1024;

/** Milliseconds that a request may take to arrive. */
const PATIENCE = 30_000;

/** How the codec server is reached, and by whom. */
export interface CodecServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The only origin whose pages a browser lets read the answers, such as `http://127.0.0.1:8233`. */
  readonly origin: string;
  /** What `Authorization: Bearer …` must say. */
  readonly token?: string;
  /** PEM; without it the server speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface CodecServer {
  readonly port: number;
  stop(): Promise<void>;
}

const base64 = z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64'));

/** As protocol buffers are written in JSON. */
const request = z.object({
  payloads: z.array(z.object({ metadata: z.record(z.string(), base64).default({}), data: base64.optional() })),
});

/**
 * Serves `POST …/decode` and `POST …/encode` for Temporal's Web UI and CLI, so that who may see what a rollout does sees
 * it there in clear words. It is a key in the form of a server: whoever reaches it may decrypt.
 *
 * @throws Error of the system when it cannot listen there.
 */
export async function startCodecServer(codec: EncryptingCodec, options: CodecServerOptions): Promise<CodecServer> {
  const answer = (message: IncomingMessage, response: ServerResponse): void => {
    void answerTo(codec, options, message)
      .catch(failed)
      .then(({ status, body }) => {
        setHeaders(message, response, options.origin);
        response.writeHead(status).end(body === undefined ? undefined : JSON.stringify(body));
      });
  };
  const server: Server = options.tls === undefined ? createPlain(answer) : createSecure({ ...options.tls }, answer);
  server.requestTimeout = PATIENCE;
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body?: object;
}

async function answerTo(
  codec: EncryptingCodec,
  { origin, token }: CodecServerOptions,
  message: IncomingMessage,
): Promise<Answer> {
  const { headers, method } = message;
  // A page of another origin is told nothing, also one that a changed DNS name has led here.
  if (headers.origin !== undefined && headers.origin !== origin) return { status: 403 };
  if (method === 'OPTIONS') return { status: 204 };
  if (token !== undefined && !bears(message, token)) return { status: 401 };
  const verb = /^[^?]*\/(encode|decode)(?:\?|$)/.exec(message.url ?? '')?.[1];
  if (verb === undefined) return { status: 404 };
  if (method !== 'POST') return { status: 405 };
  const text = await bodyOf(message);
  if (text === null) return { status: 413 };
  const payloads = payloadsIn(text);
  if (payloads === null) return { status: 400 };
  const turned = verb === 'encode' ? await codec.encode(payloads) : await codec.decode(payloads);
  return { status: 200, body: { payloads: turned.map(written) } };
}

/** In our own words, or in none. */
function failed(error: unknown): Answer {
  if (!(error instanceof RolloutError)) return { status: 500 };
  return { status: 422, body: { code: error.code, message: `${error.message}. ${error.next}` } };
}

/** Among others what a browser asks for before it lets a page of the Web UI call a server of another origin. */
function setHeaders({ headers }: IncomingMessage, response: ServerResponse, origin: string): void {
  response.setHeader('Content-Type', 'application/json').setHeader('Cache-Control', 'no-store');
  // what is left of a request that is too large is not read
  response.setHeader('Vary', 'Origin').setHeader('Connection', 'close');
  if (headers.origin !== origin) return;
  response
    .setHeader('Access-Control-Allow-Origin', origin)
    .setHeader('Access-Control-Allow-Methods', 'POST, OPTIONS')
    .setHeader('Access-Control-Allow-Headers', 'authorization, content-type, x-namespace')
    .setHeader('Access-Control-Allow-Credentials', 'true');
  // a Web UI elsewhere that calls a server on the user's own machine
  if (headers['access-control-request-private-network'] === 'true') {
    response.setHeader('Access-Control-Allow-Private-Network', 'true');
  }
}

/** By digests, which are equally long: how long it takes tells nothing of the token. */
function bears({ headers }: IncomingMessage, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`));
}

/** The request's text; null when there is more of it than any page of a history. */
async function bodyOf(message: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function payloadsIn(body: string): Payload[] | null {
  try {
    return request.parse(JSON.parse(body)).payloads.map(({ metadata, data }) => ({ metadata, data: data ?? null }));
  } catch {
    return null;
  }
}

function written({ metadata, data }: Payload): object {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, text(value)])),
    data: text(data ?? new Uint8Array()),
  };
}
