import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { Authority } from '../support/authority.js';
import { CLIENT, run } from './command-line.js';

const UI = 'http://127.0.0.1:8233';
const NAME = 'codec.test';

let folder: string;
let authority: Authority;
let tls: { readonly certificate: string; readonly key: string };
let keys: Readonly<Record<string, string>>;
let token: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-codec-'));
  authority = await Authority.made();
  tls = await authority.signs(NAME);
  keys = { TEMPORAL_PAYLOAD_KEYS: await written('keys', `own ${randomBytes(32).toString('base64')}`) };
  token = await written('token', 'open sesame\n');
});

afterAll(async () => {
  await authority.forget();
  await rm(folder, { recursive: true });
});

async function written(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

/** Starts `codec serve` on a free port, lets `use` ask it, and ends it as a service manager does. */
async function serving(flags: readonly string[], use: (url: string) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [CLIENT, 'codec', 'serve', '--origin', UI, '--port', '0', '--json', ...flags], {
    env: { ...process.env, ...keys },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  try {
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    await use((JSON.parse(line) as { url: string }).url);
  } finally {
    child.kill();
  }
  expect(await ended).toEqual([0, null]);
}

/** The status of an empty question. */
function asked(url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const how = { method: 'POST', headers, ca: readFileSync(authority.certificate), servername: NAME };
    request(`${url}/decode`, how, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end('{"payloads":[]}');
  });
}

describe('codec serve', () => {
  it('listens on this machine only, and answers the Web UI', async () => {
    await serving([], async (url) => {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      const own = await fetch(`${url}/decode`, { method: 'POST', headers: { origin: UI }, body: '{"payloads":[]}' });
      expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, UI]);
    });
  });

  it('listens for others with a token and TLS', async () => {
    const safe = ['--token-file', token, '--tls-cert', tls.certificate, '--tls-key', tls.key];
    await serving(['--host', '0.0.0.0', ...safe], async (url) => {
      const here = url.replace('0.0.0.0', '127.0.0.1');
      await expect(asked(here, {})).resolves.toBe(401);
      await expect(asked(here, { authorization: 'Bearer open sesame' })).resolves.toBe(200);
    });
  });

  it('listens for others without them when that is said', async () => {
    await serving(['--host', '0.0.0.0', '--open'], async (url) => {
      expect((await fetch(`${url.replace('0.0.0.0', '127.0.0.1')}/x`, { method: 'POST' })).status).toBe(404);
    });
  });

  it('is refused where it would be open by mistake, without keys, or with flags that are wrong', async () => {
    const serve = ['codec', 'serve', '--origin', UI, '--port', '0'];
    const others = [...serve, '--host', '0.0.0.0'];
    const cases: [string[], RegExp, Readonly<Record<string, string>>?][] = [
      [others, /--open/],
      [[...others, '--token-file', token], /--open/],
      [[...others, '--tls-cert', tls.certificate, '--tls-key', tls.key], /--open/],
      [[...serve, '--tls-cert', tls.certificate], /together/],
      [['codec', 'serve', '--port', '0'], /--origin/],
      [['codec', 'serve', '--origin', 'temporal'], /--origin temporal/],
      [['codec', 'serve', '--origin', UI, '--port', '70000'], /70000/],
      [[...serve, '--agent', join(folder, 'none.yaml')], /no payload keys/, {}],
    ];
    const ran = await Promise.all(cases.map(([args, , env]) => run(args, env ?? keys)));
    for (const [index, [, words]] of cases.entries()) {
      expect(ran[index]).toMatchObject({ code: 2, out: '', err: expect.stringMatching(words) });
    }
  });
});
