import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { readSource } from '../platform/secret-source.js';
import { type CodecServerOptions, startCodecServer } from '../temporal/codec-server.js';
import { EncryptingCodec } from '../temporal/payload-codec.js';
import { loadOperatorsPayloadKeys } from '../temporal/payload-keys.js';
import { isLoopback } from '../temporal/settings.js';
import type { CodecFlags } from './codec.js';
import { EXIT } from './exit.js';
import { say } from './say.js';

/**
 * Serves until a signal asks it to stop. @returns the exit code.
 *
 * @throws RolloutError USAGE without an origin or keys, or when it would be open for others; PAYLOAD_KEYS; SECRET_MISSING.
 */
export async function serveCodec(flags: CodecFlags): Promise<number> {
  const options = await optionsOf(flags);
  const keys = await loadOperatorsPayloadKeys(flags.agent);
  if (keys.current === undefined) {
    throw new RolloutError('USAGE', 'this machine has no payload keys: nothing is encrypted that could be shown');
  }
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const server = await startCodecServer(new EncryptingCodec(keys), options);
  const url = `${options.tls === undefined ? 'http' : 'https'}://${hostIn(options.host)}:${server.port}`;
  say(flags.json, { event: 'serving', url, origin: options.origin, keys: [...keys.all.keys()] }, textOf(url, options));
  await stopped;
  await server.stop();
  return EXIT.done;
}

async function optionsOf({
  host,
  port,
  tokenFile,
  tlsCert,
  tlsKey,
  open,
  ...flags
}: CodecFlags): Promise<CodecServerOptions> {
  const origin = originOf(flags.origin ?? process.env['TEMPORAL_UI_ADDRESS']);
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new RolloutError('USAGE', `--port ${port} is no port`);
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new RolloutError('USAGE', '--tls-cert and --tls-key are given together or not at all');
  }
  if (!isLoopback(host) && open !== true && (tokenFile === undefined || tlsCert === undefined)) {
    const how = 'with --token-file, --tls-cert and --tls-key, or with --open';
    throw new RolloutError('USAGE', `on ${host} everybody who reaches it could read what is encrypted: only ${how}`);
  }
  return {
    host,
    port: Number(port),
    origin,
    ...(tokenFile === undefined ? {} : { token: await tokenIn(tokenFile) }),
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : { tls: { cert: await certificateIn(tlsCert), key: await readSource('the TLS key', { file: tlsKey }) } }),
  };
}

/** As browsers write it: without a path. */
function originOf(url: string | undefined): string {
  if (url === undefined) throw new RolloutError('USAGE', 'say where the Web UI is: --origin http://127.0.0.1:8233');
  if (!/^https?:/.test(url) || !URL.canParse(url)) {
    throw new RolloutError('USAGE', `--origin ${url} is no address of a Web UI, such as http://127.0.0.1:8233`);
  }
  return new URL(url).origin;
}

async function tokenIn(file: string): Promise<string> {
  const token = await readSource('the token', { file });
  if (token === '') throw new RolloutError('SECRET_MISSING', 'the token is empty');
  return token;
}

async function certificateIn(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new RolloutError('USAGE', `${file} cannot be read`, { cause });
  });
}

const hostIn = (host: string): string => (host.includes(':') ? `[${host}]` : host);

function textOf(url: string, { origin, token }: CodecServerOptions): string {
  const who = token === undefined ? 'whoever reaches it' : 'whoever has the token';
  return [
    `Codec server at ${url}, for the Web UI at ${origin}. Until it is stopped, ${who} can read what is encrypted.`,
    'In the Web UI: the glasses at the top, then this address as the remote codec endpoint.',
  ].join('\n');
}
