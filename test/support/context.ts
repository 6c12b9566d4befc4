import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Context } from '../../src/activities/resource.js';
import type { Platform } from '../../src/platform/platform.js';
import { SecretStore } from '../../src/platform/secrets.js';
import { Vault } from '../../src/platform/vault.js';

/** What a resource is given by its agent, with a real vault and real secrets in a temporary folder. */
export interface TestContext extends Context {
  readonly folder: string;
  remove(): Promise<void>;
}

/** A context for one step; `platform` answers only what the test lets it. */
export async function testContext(
  secrets: Readonly<Record<string, string>> = {},
  platform: Partial<Platform> = {},
): Promise<TestContext> {
  const folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-test-'));
  // Other users must be able to pass to what a test shows them.
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'secrets'), { mode: 0o700 });
  for (const [name, value] of Object.entries(secrets)) {
    await writeFile(join(folder, 'secrets', name), value, { mode: 0o600 });
  }
  const sources = Object.keys(secrets).map((name) => [name, { file: join(folder, 'secrets', name) }]);
  const vault = new Vault(join(folder, 'state'), 'test');
  return {
    signal: new AbortController().signal,
    vault: vault.slot('step'),
    agent: {
      machine: 'A',
      config: { cluster: 'test', stateDir: join(folder, 'state'), secrets: {}, installers: {} },
      secrets: new SecretStore(Object.fromEntries(sources) as ConstructorParameters<typeof SecretStore>[0]),
      platform: platform as Platform,
      vault,
      log: () => undefined,
    },
    folder,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
