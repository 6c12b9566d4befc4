import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { loadAgentConfig } from '../../src/platform/agent-config.js';

const SHA256 = 'a'.repeat(64);

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-agent-'));
  file = join(folder, 'agent.yaml');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function written(text: string, mode = 0o600): Promise<string> {
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

describe('agent.yaml', () => {
  it('says what names of secrets and installers mean on this machine', async () => {
    await written(`cluster: lab
address: 127.0.0.1
stateDir: /srv/state
secrets:
  one: { env: NAME }
  two: { file: /etc/secret }
  three: { command: [print, secret] }
  four: { command: [vault, get, secret], pass: [VAULT_ADDR, VAULT_TOKEN] }
payloadKeys: { file: /etc/keys }
installers:
  icewarp: { path: /root/install.sh, sha256: ${SHA256}, arguments: [--fast] }
`);
    await expect(loadAgentConfig(file)).resolves.toEqual({
      cluster: 'lab',
      address: '127.0.0.1',
      stateDir: '/srv/state',
      secrets: {
        one: { env: 'NAME' },
        two: { file: '/etc/secret' },
        three: { command: ['print', 'secret'] },
        four: { command: ['vault', 'get', 'secret'], pass: ['VAULT_ADDR', 'VAULT_TOKEN'] },
      },
      payloadKeys: { file: '/etc/keys' },
      installers: { icewarp: { path: '/root/install.sh', sha256: SHA256, arguments: ['--fast'] } },
    });
  });

  it('needs nothing but the cluster', async () => {
    await expect(loadAgentConfig(await written('cluster: lab\n'))).resolves.toEqual({
      cluster: 'lab',
      stateDir: '/var/lib/icewarp-rollout',
      secrets: {},
      installers: {},
    });
  });

  it('may be read by others, but written only by its owner', async () => {
    await expect(loadAgentConfig(await written('cluster: lab\n', 0o644))).resolves.toMatchObject({ cluster: 'lab' });
    for (const mode of [0o620, 0o602]) {
      await expect(loadAgentConfig(await written('cluster: lab\n', mode))).rejects.toMatchObject({
        code: 'AGENT_CONFIG',
        message: expect.stringContaining('writable by nobody else') as unknown,
      });
    }
  });

  (process.getuid?.() === 0 ? it : it.skip)('of another user is refused', async () => {
    await chown(await written('cluster: lab\n'), 65_534, 65_534);
    await expect(loadAgentConfig(file)).rejects.toMatchObject({ code: 'AGENT_CONFIG' });
  });

  it('that is missing is named', async () => {
    await expect(loadAgentConfig(file)).rejects.toMatchObject({
      code: 'AGENT_CONFIG',
      message: expect.stringContaining(file) as unknown,
    });
  });

  it.each([
    ['no YAML', 'cluster: [', 'not valid YAML'],
    ['no cluster', 'stateDir: /srv', 'cluster'],
    ['an unknown key', 'cluster: lab\nsecretes: {}', 'secretes'],
    ['a secret with two sources', 'cluster: lab\nsecrets: { one: { env: A, file: /b } }', 'secrets.one'],
    ['a command as a shell line', 'cluster: lab\nsecrets: { one: { command: print it } }', 'secrets.one'],
    ['an installer without checksum', 'cluster: lab\ninstallers: { i: { path: /i } }', 'installers.i.sha256'],
    ['a checksum that is none', 'cluster: lab\ninstallers: { i: { path: /i, sha256: abc } }', 'installers.i.sha256'],
  ])('with %s is refused, naming the place', async (_case, text, place) => {
    await expect(loadAgentConfig(await written(text))).rejects.toMatchObject({
      code: 'AGENT_CONFIG',
      message: expect.stringContaining(place) as unknown,
    });
  });
});
