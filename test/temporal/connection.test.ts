import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createSecureServer, type IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { run, type Ran } from '../cli/command-line.js';
import { clusterFile, useFolder } from '../cli/temporal.js';
import { Authority } from '../support/authority.js';
import { eventually } from '../support/eventually.js';
import { environment, MINUTE, newCluster, useTemporal } from '../workflows/harness.js';

const WORKER = join(import.meta.dirname, '../../src/worker.js');
const NAME = 'temporal.test';
/** An address for documentation: nothing is there, and nobody may be asked in plain text. */
const ELSEWHERE = '192.0.2.1:7233';

useTemporal();
useFolder();

let own: Authority;
let strange: Authority;
let folder: string;
let endpoint: TlsServer;
const workers: ChildProcess[] = [];
/** What a process is told to get through the endpoint. */
let all: Readonly<Record<string, string>>;

beforeAll(async () => {
  newCluster();
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-tls-'));
  [own, strange] = [await Authority.made(), await Authority.made()];
  const server = await own.signs(NAME);
  const operator = await own.signs('operator');
  // what stands before a Temporal server: TLS with a certificate of its own authority, which asks for the client's
  endpoint = createTlsServer(
    {
      cert: readFileSync(server.certificate),
      key: readFileSync(server.key),
      ca: readFileSync(own.certificate),
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
    },
    (outside) => {
      const [host = '', port = ''] = environment.address.split(':');
      const inside = connect(Number(port), host);
      for (const [from, to] of [
        [outside, inside],
        [inside, outside],
      ] as const) {
        from.pipe(to);
        from.on('error', () => to.destroy()).on('close', () => to.destroy());
      }
    },
  );
  endpoint.on('tlsClientError', () => undefined);
  await once(endpoint.listen(0, '127.0.0.1'), 'listening');
  all = {
    TEMPORAL_ADDRESS: addressOf(endpoint),
    TEMPORAL_NAMESPACE: environment.client.options.namespace,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: own.certificate,
    TEMPORAL_TLS_SERVER_NAME: NAME,
    TEMPORAL_TLS_CLIENT_CERT_PATH: operator.certificate,
    TEMPORAL_TLS_CLIENT_KEY_PATH: operator.key,
  };
}, MINUTE);

afterAll(async () => {
  for (const child of workers) child.kill('SIGKILL');
  endpoint.close();
  await own.forget();
  await strange.forget();
  await rm(folder, { recursive: true });
});

function addressOf(server: { address(): AddressInfo | string | null }): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function status(variables: Readonly<Record<string, string>>): Promise<Ran> {
  return run(['status', await clusterFile()], variables);
}

/** A worker of its own process, and what it logs. */
async function controlWorker(
  variables: Readonly<Record<string, string>>,
): Promise<{ readonly log: () => string; readonly ended: Promise<number>; stop(): Promise<number> }> {
  const file = join(folder, 'agent.yaml');
  await writeFile(file, `cluster: tls\nstateDir: ${join(folder, 'state')}\n`, { mode: 0o600 });
  const child = spawn(process.execPath, [WORKER, '--control', '--agent', file], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  workers.push(child);
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = once(child, 'close').then(([code]) => Number(code));
  return {
    log: () => log,
    ended,
    stop: () => {
      child.kill();
      return ended;
    },
  };
}

describe('a Temporal server behind TLS with its own authority that asks for the client’s certificate', () => {
  it('answers a command', async () => {
    expect(await status(all)).toMatchObject({ code: 1, err: expect.stringContaining('NO_ROLLOUT') });
  });

  it('answers a command that has all from a profile of the SDK’s configuration file', async () => {
    const file = join(folder, 'temporal.toml');
    const tls = ['server_ca_cert', 'client_cert', 'client_key'].map(
      (name) => `${name}_path = "${all[`TEMPORAL_TLS_${name.toUpperCase()}_PATH`] ?? ''}"`,
    );
    const profile = [`address = "${addressOf(endpoint)}"`, `namespace = "${environment.client.options.namespace}"`];
    await writeFile(
      file,
      ['[profile.mail]', ...profile, '[profile.mail.tls]', `server_name = "${NAME}"`, ...tls, ''].join('\n'),
    );
    const named = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'mail' };
    expect(await status(named)).toMatchObject({ code: 1, err: expect.stringContaining('NO_ROLLOUT') });
  });

  it('serves a worker', async () => {
    const worker = await controlWorker(all);
    await eventually('the worker polls its queue', () => worker.log().includes('"event":"ready"'));
    await expect(worker.stop()).resolves.toBe(0);
  });

  it('is not used by a command that trusts another authority, expects another name, speaks plain text, or is a stranger', async () => {
    const { certificate, key } = await strange.signs('operator');
    const changes = [
      { TEMPORAL_TLS_SERVER_CA_CERT_PATH: strange.certificate },
      { TEMPORAL_TLS_SERVER_NAME: 'other.test' },
      { TEMPORAL_TLS: 'false' },
      { TEMPORAL_TLS_CLIENT_CERT_PATH: certificate, TEMPORAL_TLS_CLIENT_KEY_PATH: key },
    ];
    const failed = { code: 1, err: expect.stringContaining('TEMPORAL_UNREACHABLE') as unknown };
    const ran = await Promise.all(changes.map((change) => status({ ...all, ...change })));
    expect(ran).toEqual(changes.map(() => expect.objectContaining(failed) as unknown));
  });
});

describe('an API key', () => {
  it('is sent with every call, under TLS, by commands and workers', async () => {
    const { certificate, key } = await own.signs(NAME);
    const seen: IncomingHttpHeaders[] = [];
    const recorder = createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) });
    recorder.on('stream', (stream, headers) => {
      seen.push(headers);
      // unauthenticated
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': 16 }, { endStream: true });
    });
    recorder.on('sessionError', () => undefined);
    await once(recorder.listen(0, '127.0.0.1'), 'listening');
    const bearer = {
      TEMPORAL_ADDRESS: addressOf(recorder),
      TEMPORAL_API_KEY: 'the-api-key',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: own.certificate,
      TEMPORAL_TLS_SERVER_NAME: NAME,
    };
    const ran = await status(bearer);
    expect(ran.code).toBe(1);
    expect(ran.out + ran.err).not.toContain('the-api-key');
    const byCommands = seen.length;
    const worker = await controlWorker(bearer);
    await eventually('the worker has tried', () => seen.length > byCommands && worker.log().includes('trying again'));
    await worker.stop();
    expect(byCommands).toBeGreaterThan(0);
    expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer the-api-key']));
    expect(worker.log()).not.toContain('the-api-key');
    recorder.close();
  });
});

describe('another machine in plain text', () => {
  it('is refused by commands and workers before anything is sent there', async () => {
    const refused = { TEMPORAL_ADDRESS: ELSEWHERE };
    expect(await status(refused)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/192\.0\.2\.1:7233.*\n.*TEMPORAL_TLS.*TEMPORAL_PLAIN_TEXT=allow.*\(TEMPORAL_PLAIN\)/),
    });
    const worker = await controlWorker(refused);
    await expect(worker.ended).resolves.toBe(2);
    expect(worker.log()).toContain('(TEMPORAL_PLAIN)');
  });
});
