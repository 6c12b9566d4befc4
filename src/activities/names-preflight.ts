import { RolloutError } from '../cluster/errors.js';
import { askingDns, type Dns } from '../platform/dns.js';
import { certificateShown, type CertificateShown } from './certificate-shown.js';
import type { Procedure } from './resource.js';

export interface NamesPreflightInput {
  /** Host names that clients use. */
  readonly names: readonly string[];
  /** The mail domain. */
  readonly domain: string;
  /** DNS servers to be asked instead of this machine's own. */
  readonly resolvers?: readonly string[];
  /** TLS port whose certificate is looked at where the names lead. */
  readonly certificate?: number;
}

/** One of the clients' names today. */
export interface NameShown {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Seconds for which clients keep the answer; null where there is none. */
  readonly ttl: number | null;
  /** Of the first address; null where nobody speaks TLS there, or no port is asked. */
  readonly certificate: CertificateShown | null;
}

/** What clients and other mail servers find before anything is changed: under 2 kB. */
export interface NamesPreflight {
  /** Whether DNS answered at all; what follows is empty where it did not. */
  readonly answered: boolean;
  readonly names: readonly NameShown[];
  /** Mail servers of the domain, the most preferred first. */
  readonly exchanges: readonly string[];
}

/** Longer lists are cut: the answer goes into history. */
const MOST = 3;

/** Looks at the clients' names as the Internet sees them (B13). Changes nothing. */
export const namesPreflight: Procedure<NamesPreflightInput, NamesPreflight, 'control'> = {
  place: 'control',
  async run({ names, domain, resolvers, certificate }, { signal }) {
    try {
      return await askingDns(resolvers, signal, async (dns) => ({
        answered: true,
        names: await Promise.all(names.map((name) => shown(dns, name, certificate, signal))),
        exchanges: (await dns.exchanges(domain)).slice(0, MOST).map((name) => name.replace(/\.$/, '')),
      }));
    } catch (error) {
      if (!(error instanceof RolloutError && error.code === 'DNS_SILENT')) throw error;
      return { answered: false, names: [], exchanges: [] };
    }
  },
};

async function shown(dns: Dns, name: string, port: number | undefined, signal: AbortSignal): Promise<NameShown> {
  const { addresses, ttl } = await dns.leads(name);
  const [address] = addresses;
  const certificate =
    port === undefined || address === undefined ? null : await certificateShown({ address, port }, [name], signal);
  return { name, addresses: addresses.slice(0, MOST), ttl, certificate };
}
