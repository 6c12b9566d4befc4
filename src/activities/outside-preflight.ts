import { endpointOf } from '../cluster/endpoint.js';
import { RolloutError } from '../cluster/errors.js';
import { askingDns, type Dns } from '../platform/dns.js';
import { greetingOf, reach, type Reached } from '../platform/reach.js';
import { certificateShown, type CertificateShown } from './certificate-shown.js';
import type { Procedure } from './resource.js';

export interface OutsidePreflightInput {
  /** The node's own address, from which it connects. */
  readonly address: string;
  /** DNS servers to be asked instead of this machine's own. */
  readonly resolvers?: readonly string[];
  /** How other mail servers see the node; left out where it sends through a smarthost. */
  readonly sender?: { readonly outgoing: string; readonly host: string; readonly domain: string };
  /** The mail server to which a connection is tried: the smarthost, or any on port 25. */
  readonly mailServer?: string;
  /** Where IceWarp asks about its licence. */
  readonly licenceServer?: string;
  /** The node's own TLS port, and the clients' names that its certificate must have. */
  readonly certificate?: { readonly port: number; readonly names: readonly string[] };
}

/** What others find out about a sending mail server. */
export interface SenderShown {
  /** What the domain's SPF record says of the outgoing address, as RFC 7208 names it: `pass`, `fail`, `none` … */
  readonly spf: string;
  /** What the node's host name, with which it greets, leads to. */
  readonly helo: readonly string[];
  /** Names of the outgoing address. */
  readonly pointers: readonly string[];
  /** One of them leads back to it. */
  readonly confirmed: boolean;
}

/** What only a node can tell about the outside: under 2 kB. */
export interface OutsidePreflight {
  /** null where DNS did not answer, or nobody judges the node. */
  readonly sender: SenderShown | null;
  readonly dnsSilent: boolean;
  /** Code of the greeting, or why there was none; null where none was tried. */
  readonly greeting: number | 'refused' | 'silent' | null;
  readonly licenceServer: Reached | null;
  /** null where nobody speaks TLS yet, or no port is asked. */
  readonly certificate: CertificateShown | null;
}

/** Longer lists are cut: the answer goes into history. */
const MOST = 3;
/** Names of one address that are followed: RFC 7208, 4.6.4, has the same limit. */
const FOLLOWED = 10;

/** Looks out of a node, and at how others see it when it sends (B13). Changes nothing, sends nothing. */
export const outsidePreflight: Procedure<OutsidePreflightInput, OutsidePreflight, 'node'> = {
  place: 'node',
  async run({ address, resolvers, sender, mailServer, licenceServer, certificate }, { signal }) {
    const [server, licences] = [endpointOf(mailServer ?? '', 25), endpointOf(licenceServer ?? '', 443)];
    const [seen, greeting, licence, shown] = await Promise.all([
      sender === undefined ? null : senderShown(sender, resolvers, signal),
      server === null ? null : greetingOf(server, address, signal),
      licences === null ? null : reach(licences, address, signal),
      certificate === undefined
        ? null
        : certificateShown({ address, port: certificate.port }, certificate.names, signal),
    ]);
    return {
      sender: seen,
      dnsSilent: sender !== undefined && seen === null,
      greeting,
      licenceServer: licence,
      certificate: shown,
    };
  },
};

/** null where DNS does not answer. */
async function senderShown(
  { outgoing, host, domain }: NonNullable<OutsidePreflightInput['sender']>,
  resolvers: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<SenderShown | null> {
  try {
    return await askingDns(resolvers, signal, async (dns) => {
      const [result, helo, pointers] = await Promise.all([
        spfResult(dns, { ip: outgoing, helo: host, sender: `postmaster@${domain}` }),
        dns.leads(host),
        dns.pointers(outgoing),
      ]);
      const back = await Promise.all(pointers.slice(0, FOLLOWED).map((name) => dns.leads(name)));
      return {
        spf: result,
        helo: helo.addresses.slice(0, MOST),
        pointers: pointers.slice(0, MOST),
        confirmed: back.some(({ addresses }) => addresses.includes(outgoing)),
      };
    });
  } catch (error) {
    if (error instanceof RolloutError && error.code === 'DNS_SILENT') return null;
    throw error;
  }
}

async function spfResult(dns: Dns, mail: { ip: string; helo: string; sender: string }): Promise<string> {
  // it brings much along, which no worker needs that is not asked
  const { spf } = await import('mailauth/lib/spf/index.js');
  const { status } = await spf({ ...mail, mta: mail.helo, resolver: (name, type) => dns.resolve(name, type) });
  return status.result;
}
