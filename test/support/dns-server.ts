import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../../src/lab/ports.js';
import { askingDns } from '../../src/platform/dns.js';
import { eventually } from './eventually.js';

/** A DNS server of the test's own: it knows its records and nothing else. */
export interface DnsServer {
  /** `IP:port`. */
  readonly at: string;
  /** Knows other records from now on. */
  change(records: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** So that a test can see that it answers. */
const SIGN = 'ready.dns.test';

/**
 * Starts a real dnsmasq on a loopback address.
 *
 * @param records lines of its configuration, such as `host-record=mail.lab.test,192.0.2.1,300` (which makes the PTR
 *   record too), `address=/mail.lab.test/192.0.2.1` (which does not), `mx-host=`, `txt-record=`, `ptr-record=`.
 */
export async function startDns(address: string, records: readonly string[]): Promise<DnsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-dns-'));
  const port = await freePort([address], 5353);
  const at = `${address}:${port}`;
  let end = async (): Promise<void> => undefined;
  const change = async (other: readonly string[]): Promise<void> => {
    await end();
    const lines = ['no-resolv', 'no-hosts', 'user=root', 'bind-interfaces', 'local=/#/', `port=${port}`];
    const all = [...lines, `listen-address=${address}`, `host-record=${SIGN},${address}`, ...other];
    await writeFile(join(folder, 'dns.conf'), all.map((line) => `${line}\n`).join(''));
    end = await run(join(folder, 'dns.conf'), at);
  };
  const stop = async (): Promise<void> => {
    await end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await change(records);
  } catch (error) {
    await stop();
    throw error;
  }
  return { at, change, stop };
}

/** Runs dnsmasq until the function that it returns is called. */
async function run(file: string, at: string): Promise<() => Promise<void>> {
  const server = spawn('dnsmasq', [`--conf-file=${file}`, '--pid-file', '--no-daemon'], { stdio: 'ignore' });
  const ended = once(server, 'exit');
  const end = async (): Promise<void> => {
    server.kill('SIGKILL');
    await ended;
  };
  try {
    await eventually(`dnsmasq answers at ${at}`, async () => {
      if (server.exitCode !== null) throw new Error(`dnsmasq ended with ${server.exitCode}`);
      return askingDns([at], AbortSignal.timeout(2_000), (dns) => dns.leads(SIGN)).then(
        ({ addresses }) => addresses.length > 0,
        () => false,
      );
    });
  } catch (error) {
    await end();
    throw error;
  }
  return end;
}
