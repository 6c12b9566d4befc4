import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { isLoopback, temporalSettings } from '../../src/temporal/settings.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-settings-'));
});

afterEach(() => {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('TEMPORAL_')) Reflect.deleteProperty(process.env, name);
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function set(variables: Readonly<Record<string, string>>): void {
  // no file of whoever runs the tests
  Object.assign(process.env, { TEMPORAL_CONFIG_FILE: join(folder, 'none.toml'), ...variables });
}

describe('the connection to Temporal', () => {
  it('is the local server’s where nobody says anything', () => {
    set({});
    expect(temporalSettings()).toMatchObject({ address: '127.0.0.1:7233', namespace: 'default' });
  });

  it('has address, namespace, API key and TLS from the variables of the SDK', async () => {
    await writeFile(join(folder, 'ca'), 'of the CA');
    set({
      TEMPORAL_ADDRESS: 'temporal.example.com:7233',
      TEMPORAL_NAMESPACE: 'mail',
      TEMPORAL_API_KEY: 'key',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: join(folder, 'ca'),
      TEMPORAL_TLS_SERVER_NAME: 'other.example.com',
    });
    expect(temporalSettings()).toMatchObject({
      address: 'temporal.example.com:7233',
      namespace: 'mail',
      options: {
        apiKey: 'key',
        tls: {
          serverNameOverride: 'other.example.com',
          serverRootCACertificate: Uint8Array.from(Buffer.from('of the CA')),
        },
      },
    });
  });

  it('has them from a profile in the SDK’s configuration file', async () => {
    const file = join(folder, 'temporal.toml');
    await writeFile(
      file,
      '[profile.mail]\naddress = "192.0.2.1:7233"\nnamespace = "of-the-profile"\n[profile.mail.tls]\nserver_name = "name"\n',
    );
    set({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'mail' });
    expect(temporalSettings()).toMatchObject({ address: '192.0.2.1:7233', namespace: 'of-the-profile' });
  });

  it.each([
    '192.0.2.1:7233',
    'temporal.example.com:7233',
    '[2001:db8::1]:7233',
    'localhost.example.com',
    '127.0.0.1.example.com:1',
    'dns:///127.0.0.1:7233',
    '0.0.0.0:7233',
    '[::]:7233',
    '[::ffff:192.0.2.1]:7233',
  ])('is refused in plain text to %s, unless that is said to be meant', (address) => {
    set({ TEMPORAL_ADDRESS: address });
    expect(temporalSettings).toThrow(expect.objectContaining({ code: 'TEMPORAL_PLAIN' }));
    expect(temporalSettings).toThrow(address);
    for (const tls of [{ TEMPORAL_TLS: 'true' }, { TEMPORAL_API_KEY: 'key' }, { TEMPORAL_PLAIN_TEXT: 'allow' }]) {
      set({ TEMPORAL_ADDRESS: address, ...tls });
      expect(temporalSettings().address).toBe(address);
      for (const name of Object.keys(tls)) Reflect.deleteProperty(process.env, name);
    }
  });

  it.each(['TEMPORAL_TLS', 'TEMPORAL_PLAIN_TEXT'])('is not plain because %s says something else', (name) => {
    set({ TEMPORAL_ADDRESS: '192.0.2.1:7233', [name]: 'false' });
    expect(temporalSettings).toThrow(expect.objectContaining({ code: 'TEMPORAL_PLAIN' }));
  });

  it('with an API key is refused all the same when TLS is switched off', () => {
    set({ TEMPORAL_ADDRESS: '192.0.2.1:7233', TEMPORAL_API_KEY: 'key', TEMPORAL_TLS: 'false' });
    expect(temporalSettings).toThrow(expect.objectContaining({ code: 'TEMPORAL_PLAIN' }));
  });

  it.each(['127.0.0.1:7233', '127.64.1.2:7233', 'localhost:7233', '[::1]:7233', 'localhost'])(
    'to %s needs no TLS',
    (address) => {
      set({ TEMPORAL_ADDRESS: address });
      expect(temporalSettings().address).toBe(address);
    },
  );

  it.each([
    [
      'a certificate that is not there',
      { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nonexistent/ca.pem' },
      '/nonexistent/ca.pem',
    ],
    ['a profile that is not there', { TEMPORAL_PROFILE: 'absent' }, 'a value is wrong'],
    ['a client’s certificate without its key', { TEMPORAL_TLS_CLIENT_CERT_DATA: 'cert' }, 'together'],
    ['a client’s key without its certificate', { TEMPORAL_TLS_CLIENT_KEY_DATA: 'key-data' }, 'together'],
  ])('with %s is refused', (_case, variables, words) => {
    set(variables);
    expect(temporalSettings).toThrow(expect.objectContaining({ code: 'TEMPORAL_CONFIG' }));
    expect(temporalSettings).toThrow(words);
  });
});

describe('an address of this machine', () => {
  it.each(['127.0.0.1', '127.255.255.254', '::1', 'LOCALHOST', '::ffff:127.0.0.1'])('is %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each(['128.0.0.1', '0.0.0.0', '::', '::2', 'localhost.', 'example.com', ''])('is not %j', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});
