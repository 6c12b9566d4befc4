import { Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';

import { RolloutError } from '../cluster/errors.js';

/** Milliseconds for one question to one server, and how often it is asked. */
const PATIENCE = { timeout: 2_000, tries: 2 };

/** "There is none", as opposed to "nobody answers". */
const NOTHING = new Set(['ENOTFOUND', 'ENODATA']);

/** What a name leads to. */
export interface Leads {
  /** IPv4 and IPv6, sorted; empty where there is none. */
  readonly addresses: readonly string[];
  /** Seconds for which others keep the answer, as far as the asked server tells; null where there is none. */
  readonly ttl: number | null;
}

/** Questions to DNS. Each throws RolloutError DNS_SILENT where nobody answers; what does not exist is empty. */
export interface Dns {
  leads(name: string): Promise<Leads>;
  /** The mail servers of a domain, the most preferred first. */
  exchanges(domain: string): Promise<readonly string[]>;
  /** The names of an address. */
  pointers(address: string): Promise<readonly string[]>;
  /** As `resolve` of node:dns, with its own errors: for libraries that ask themselves. */
  resolve(name: string, type: string): Promise<string[] | string[][]>;
}

/**
 * DNS as certain servers tell it, or this machine's own: never its hosts file, which nobody else sees.
 *
 * @param servers `IP` or `IP:port`.
 * @param signal ends every question that is still open.
 */
export async function askingDns<T>(
  servers: readonly string[] | undefined,
  signal: AbortSignal,
  ask: (dns: Dns) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const resolver = new Resolver(PATIENCE);
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const answer = await ask(dnsOf(resolver));
    // a library may take a cancelled question for an answer
    signal.throwIfAborted();
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
    resolver.cancel();
  }
}

function dnsOf(resolver: Resolver): Dns {
  const list = async <T>(what: string, question: Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await question;
    } catch (error) {
      if (NOTHING.has((error as NodeJS.ErrnoException).code ?? '')) return [];
      const servers = resolver.getServers().join(', ');
      throw new RolloutError('DNS_SILENT', `no answer about ${what} from DNS at ${servers}`, { cause: error });
    }
  };
  return {
    leads: async (name) => {
      const found = (
        await Promise.all([
          list(name, resolver.resolve4(name, { ttl: true })),
          list(name, resolver.resolve6(name, { ttl: true })),
        ])
      ).flat();
      const addresses = [...new Set(found.map(({ address }) => address))].sort();
      return { addresses, ttl: found.length === 0 ? null : Math.max(...found.map(({ ttl }) => ttl)) };
    },
    exchanges: async (domain) => {
      const found = await list(`mail servers of ${domain}`, resolver.resolveMx(domain));
      return [...found].sort((one, other) => one.priority - other.priority).map(({ exchange }) => exchange);
    },
    // not `reverse`: that looks into the hosts file first
    pointers: (address) => list(address, resolver.resolvePtr(reverseName(address))),
    resolve: (name, type) => resolver.resolve(name, type) as Promise<string[] | string[][]>,
  };
}

/** Where DNS keeps the names of an address (RFC 1035, 3.5; RFC 3596, 2.5). Pure. */
export function reverseName(address: string): string {
  if (!isIPv6(address)) return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  // one spelling, in which only hexadecimal groups and at most one gap are left
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const [before, after] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== '')) as [
    string[],
    string[],
  ];
  const gap = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const digits = [...before, ...gap, ...after].map((group) => group.padStart(4, '0')).join('');
  return `${Array.from(digits).reverse().join('.')}.ip6.arpa`;
}
