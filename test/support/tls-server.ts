import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';

import { runCommand } from '../../src/platform/run.js';

/** A TLS server with a certificate that it made itself. */
export interface TlsServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts one on a free port; `days` from now the certificate ends, and it has ended already where they are negative. */
export async function startTls(
  address: string,
  { names, days }: { readonly names: readonly string[]; readonly days: number },
): Promise<TlsServer> {
  const { key, cert } = await selfMade(names, days);
  const server = createServer({ key, cert }, (socket) => socket.on('error', () => undefined).resume());
  // clients hang up after the certificate
  server.on('tlsClientError', () => undefined);
  server.listen(0, address);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

const DAY = 86_400_000;

/** By `openssl ca`, the only one of its commands that signs for days that are over. */
async function selfMade(names: readonly string[], days: number): Promise<{ key: Buffer; cert: Buffer }> {
  const folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-tls-'));
  const at = (name: string): string => join(folder, name);
  const until = Date.now() + days * DAY;
  const from = Math.min(Date.now(), until) - DAY;
  try {
    await writeFile(at('index'), '');
    await writeFile(
      at('conf'),
      `[ca]\ndefault_ca=own\n[own]\ndatabase=${at('index')}\nnew_certs_dir=${folder}\nrand_serial=yes
default_md=sha256\npolicy=any\nx509_extensions=names\n[any]\ncommonName=supplied
[names]\nsubjectAltName=${names.map((name) => `DNS:${name}`).join(',')}\n`,
    );
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const request = ['req', '-new', ...curve, '-keyout', at('key'), '-out', at('request'), '-subj', '/CN=test'];
    await runCommand('openssl', request);
    const own = ['-config', at('conf'), '-keyfile', at('key'), '-in', at('request'), '-out', at('cert')];
    const dates = ['-startdate', asn1(from), '-enddate', asn1(until)];
    await runCommand('openssl', ['ca', '-batch', '-selfsign', '-notext', ...own, ...dates]);
    return { key: await readFile(at('key')), cert: await readFile(at('cert')) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A moment as certificates write it. */
function asn1(time: number): string {
  return new Date(time).toISOString().replace(/[-:T]|\.\d+/g, '');
}
