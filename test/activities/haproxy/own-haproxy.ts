import { randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Agent } from '../../../src/activities/agent.js';
import type { HaproxyPlaces } from '../../../src/platform/haproxy/places.js';
import type { Context } from '../../../src/activities/resource.js';
import type { Platform } from '../../../src/platform/platform.js';
import { runCommand } from '../../../src/platform/run.js';
import { SecretStore } from '../../../src/platform/secrets.js';
import { Vault } from '../../../src/platform/vault.js';

/** A real HAProxy in a folder and on addresses of its own, run as Debian's service script runs it. */
export class OwnHaproxy {
  readonly file: string;
  readonly places: HaproxyPlaces;
  readonly #pidFile: string;
  readonly #subnet = `127.${randomInt(128, 250)}.${randomInt(1, 250)}`;

  private constructor(readonly folder: string) {
    this.file = join(folder, 'haproxy.cfg');
    this.places = { service: 'haproxy', socket: join(folder, 'admin.sock') };
    this.#pidFile = join(folder, 'pid');
  }

  static async prepare(): Promise<OwnHaproxy> {
    return new OwnHaproxy(await mkdtemp(join(tmpdir(), 'own-haproxy-')));
  }

  /** An address that belongs to this test alone. */
  address(last: number): string {
    return `${this.#subnet}.${last}`;
  }

  /** What an activity sees: this HAProxy as the platform's service, a vault, the machine's own address, the secrets given. */
  context(step: string, secrets: Readonly<Record<string, string>> = {}): Context {
    const vault = new Vault(this.folder, 'test');
    const names = Object.keys(secrets).map((name) => [name, { env: variableOf(name) }] as const);
    for (const [name, value] of Object.entries(secrets)) process.env[variableOf(name)] = value;
    const platform = { services: this.#services() } as unknown as Platform;
    const config = { address: this.address(10) };
    const agent = { platform, vault, config, secrets: new SecretStore(Object.fromEntries(names)) } as unknown as Agent;
    return { signal: new AbortController().signal, agent, vault: vault.slot(step) };
  }

  async running(): Promise<boolean> {
    const pid = await this.#pid();
    if (pid === undefined) return false;
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  }

  async run(verb: 'start' | 'stop' | 'reload'): Promise<void> {
    const pid = await this.#pid();
    if (verb === 'stop') {
      if (pid !== undefined) await ended(pid);
      await rm(this.#pidFile, { force: true });
      return;
    }
    const successor = verb === 'reload' ? ['-sf', String(pid)] : [];
    await runCommand('haproxy', ['-D', '-f', this.file, '-p', this.#pidFile, ...successor]);
  }

  async remove(): Promise<void> {
    await this.run('stop');
    await rm(this.folder, { recursive: true, force: true });
  }

  #services(): Partial<Platform['services']> {
    return {
      running: () => this.running(),
      run: (_service, verb) => this.run(verb === 'restart' ? 'reload' : verb),
    };
  }

  async #pid(): Promise<number | undefined> {
    const text = await readFile(this.#pidFile, 'utf8').catch(() => '');
    return text === '' ? undefined : Number.parseInt(text, 10);
  }
}

function variableOf(secret: string): string {
  return `OWN_HAPROXY_${secret.toUpperCase().replaceAll('-', '_')}`;
}

async function ended(pid: number): Promise<void> {
  for (let look = 0; look < 100; look++) {
    try {
      process.kill(pid, 'SIGTERM');
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  process.kill(pid, 'SIGKILL');
}
