import { BlockList, isIP } from 'node:net';

import {
  type ClientConnectConfig,
  type ClientConfigProfile,
  loadClientConfigProfile,
  toClientOptions,
} from '@temporalio/envconfig';

import { RolloutError } from '../cluster/errors.js';

/** Where the SDK looks when nobody says anything. */
const DEFAULT_ADDRESS = '127.0.0.1:7233';

/** Says that plain text to another machine is meant. */
const PLAIN_TEXT = 'TEMPORAL_PLAIN_TEXT';

/** How a process reaches Temporal. */
export interface TemporalSettings {
  /** `host:port`. */
  readonly address: string;
  readonly namespace: string;
  /** For both kinds of connections that the SDK has. */
  readonly options: ClientConnectConfig['connectionOptions'];
}

/**
 * What the variables `TEMPORAL_…` and the SDK's configuration file say: address, namespace, TLS, its certificates, API key.
 *
 * @throws RolloutError TEMPORAL_CONFIG when they cannot be used as they are; TEMPORAL_PLAIN when they lead to another
 * machine without TLS, and TEMPORAL_PLAIN_TEXT=allow is not set.
 */
export function temporalSettings(): TemporalSettings {
  const { profile, config } = load();
  const { connectionOptions, namespace = 'default' } = config;
  const address = connectionOptions.address ?? DEFAULT_ADDRESS;
  const { clientCert, clientKey } = profile.tls ?? {};
  // the SDK would go on without both
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new RolloutError('TEMPORAL_CONFIG', 'a client certificate and its key are given together or not at all');
  }
  const plain = connectionOptions.tls === undefined || connectionOptions.tls === false;
  if (plain && !isLoopback(hostOf(address)) && process.env[PLAIN_TEXT] !== 'allow') {
    throw new RolloutError('TEMPORAL_PLAIN', `${address} is another machine, and TLS is off`);
  }
  return { address, namespace, options: { ...connectionOptions, address } };
}

function load(): { readonly profile: ClientConfigProfile; readonly config: ClientConnectConfig } {
  try {
    const profile = loadClientConfigProfile();
    return { profile, config: toClientOptions(profile) };
  } catch (error) {
    // the file system names the file, the SDK the profile or the line; what stands there may be a key
    const { code, path } = error as NodeJS.ErrnoException;
    const why = code !== undefined && path !== undefined ? `${path} cannot be read (${code})` : 'a value is wrong';
    throw new RolloutError('TEMPORAL_CONFIG', `the settings of the Temporal SDK: ${why}`, { cause: error });
  }
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether what is sent there stays on this machine. A name is not asked for: another answer may come the next time. */
export function isLoopback(host: string): boolean {
  const kind = isIP(host);
  if (kind === 0) return host.toLowerCase() === 'localhost';
  return LOOPBACK.check(host, kind === 4 ? 'ipv4' : 'ipv6');
}

/** Without port and brackets; of what is no address with a port, the whole. */
function hostOf(address: string): string {
  const [, bracketed, named] = /^(?:\[([^\]]+)\]|([^:/]+))(?::\d+)?$/.exec(address) ?? [];
  return bracketed ?? named ?? address;
}
