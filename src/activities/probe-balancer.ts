import type { AccountSpec } from '../cluster/schema.js';
import { nodeOfThisClient } from './haproxy/affinity.js';
import { DEBIAN_PLACES, type HaproxyPlaces } from './haproxy/places.js';
import { loginOf } from './mail/account.js';
import { wrongCode } from './mail/failure.js';
import { travel } from './mail/journey.js';
import { recipientAnswer } from './mail/smtp.js';
import type { MailServer } from './mail/server.js';
import type { Procedure } from './resource.js';

export interface ProbeBalancerInput {
  readonly domain: string;
  /** The balancer's address, the only one that clients know (G26). */
  readonly address: string;
  readonly ports: { readonly smtp: number; readonly imap: number; readonly pop3?: number };
  readonly sender: AccountSpec;
  readonly recipient: AccountSpec;
  /** A node at which the message is read as well, past the balancer. */
  readonly reader?: { readonly id: string; readonly address: string; readonly imap: number };
}

export interface ProbeBalancerOutput {
  /** What was proven, in words. */
  readonly checks: readonly string[];
}

/**
 * Proves the way that clients take (G25, G26): a message sent to the balancer is read through it, and through a node
 * of choice, exactly once; all connections of one client meet one node (B5); nobody relays through it (procedure, order
 * 1, step 13).
 */
export function probeBalancerAt(places: HaproxyPlaces): Procedure<ProbeBalancerInput, ProbeBalancerOutput, 'control'> {
  return {
    place: 'control',
    async run({ domain, address, ports, sender, recipient, reader }, context) {
      const { signal } = context;
      const at = (port: number): MailServer => ({ address, port });
      const services = [ports.smtp, ports.imap, ...(ports.pop3 === undefined ? [] : [ports.pop3])].map(at);
      const route = {
        smtp: at(ports.smtp),
        pop3: ports.pop3 === undefined ? undefined : at(ports.pop3),
        sender: await loginOf(sender, domain, context),
        recipient: await loginOf(recipient, domain, context),
      };
      const checks = [await relayRefused(at(ports.smtp), domain, signal)];
      const through = await travel({ ...route, name: 'balancer>balancer', imap: at(ports.imap) }, signal);
      checks.push(`a message through the balancer was there once, after ${through.seconds} s`);
      if (reader !== undefined) {
        const imap = { address: reader.address, port: reader.imap };
        const read = await travel({ ...route, name: `balancer>${reader.id}`, imap }, signal);
        checks.push(`a message through the balancer was read at ${reader.id}, after ${read.seconds} s`);
      }
      const node = await nodeOfThisClient(services, places.socket, signal);
      checks.push(`all connections of one client met ${node}`);
      return { checks };
    },
  };
}

/** Domains that are nobody's, so that not even an open relay would hand anything on (RFC 2606). */
const OUTSIDE = ['example.net', 'example.org', 'example.com'] as const;

/**
 * Nodes see every client at the balancer's address. Where that counts as their own network, the whole world may send to
 * everybody (procedure, rule 14).
 */
async function relayRefused(smtp: MailServer, domain: string, signal: AbortSignal): Promise<string> {
  const [from = '', to = ''] = OUTSIDE.filter((outside) => outside !== domain.toLowerCase());
  const code = await recipientAnswer(smtp, `icewarp-rollout@${to}`, signal, `icewarp-rollout@${from}`);
  const what = `mail from ${from} to ${to} without a login`;
  if (code < 500) throw wrongCode(`SMTP through the balancer, ${what} (an open relay?)`, '5xx', code);
  return `${what} was refused (${code})`;
}

/** The probe for HAProxy at the places of Debian's package. */
export const probeBalancer = probeBalancerAt(DEBIAN_PLACES);
