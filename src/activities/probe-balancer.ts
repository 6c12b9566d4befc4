import { isIPv4 } from 'node:net';

import type { AccountSpec, ClientAddress } from '../cluster/schema.js';
import { nodeOfThisClient } from './haproxy/affinity.js';
import { DEBIAN_PLACES, type HaproxyPlaces } from '../platform/haproxy/places.js';
import { passesChecks } from './haproxy/states.js';
import { loginOf } from './mail/account.js';
import { wrongAnswer, wrongCode } from './mail/failure.js';
import { travel } from './mail/journey.js';
import { clientAddressOf } from './mail/own-address.js';
import { recipientAnswer } from './mail/smtp.js';
import type { MailServer } from './mail/server.js';
import type { Procedure } from './resource.js';

export interface ProbeBalancerInput {
  readonly domain: string;
  /** The balancer's address, the only one that clients know (G26). */
  readonly address: string;
  readonly ports: { readonly smtp: number; readonly imap: number; readonly pop3?: number };
  /** Whose address the nodes shall see on SMTP (B7). Not told by rollouts that began with an earlier version. */
  readonly clientAddress?: ClientAddress;
  /** The node that was just let in: HAProxy's own checks must have passed it. */
  readonly node?: string;
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
 * Proves the way that clients take (G25, G26): HAProxy finds the node healthy; nobody relays through it; a message sent
 * to the balancer is read through it, and through a node of choice, exactly once, and says the client's address where
 * the nodes shall see it (B7); all connections of one client meet one node (B5), and none is cut off while it is silent
 * (procedure, rule 14).
 */
export function probeBalancerAt(places: HaproxyPlaces): Procedure<ProbeBalancerInput, ProbeBalancerOutput, 'control'> {
  return {
    place: 'control',
    async run({ domain, address, ports, clientAddress, node, sender, recipient, reader }, context) {
      const { signal } = context;
      const at = (port: number): MailServer => ({ address, port });
      const services = [ports.smtp, ports.imap, ...(ports.pop3 === undefined ? [] : [ports.pop3])].map(at);
      const client = clientAddressOf(address, context);
      const smtp = { ...at(ports.smtp), ...(client === null ? {} : { from: client }) };
      const route = {
        smtp,
        pop3: ports.pop3 === undefined ? undefined : at(ports.pop3),
        sender: await loginOf(sender, domain, context),
        recipient: await loginOf(recipient, domain, context),
      };
      const checks: string[] = [];
      if (node !== undefined) {
        const count = await passesChecks(node, places.socket, signal);
        checks.push(`HAProxy’s checks of ${node} pass on ${count} services`);
      }
      checks.push(await relayRefused({ ...at(ports.smtp), from: address }, domain, signal));
      const through = await travel({ ...route, name: 'balancer>balancer', imap: at(ports.imap) }, signal);
      checks.push(`a message through the balancer was there once, after ${through.seconds} s`);
      checks.push(addressSeen(through.received, client, address, clientAddress ?? 'hidden'));
      if (reader !== undefined) {
        const imap = { address: reader.address, port: reader.imap };
        const read = await travel({ ...route, name: `balancer>${reader.id}`, imap }, signal);
        checks.push(`a message through the balancer was read at ${reader.id}, after ${read.seconds} s`);
      }
      const { node: met, minutes } = await nodeOfThisClient(services, places.socket, signal);
      checks.push(`all connections of one client met ${met}`);
      checks.push(`a silent connection is kept for ${minutes} minutes and more`);
      return { checks };
    },
  };
}

/**
 * Whose address a node has seen, by what it wrote at the top of a message (B7).
 *
 * @param client from where the message came; null where that cannot be told from the balancer.
 * @returns what was seen, in words.
 * @throws RolloutError PROBE_FAILED when the node shall see the client and wrote another address, or none.
 */
export function addressSeen(
  received: readonly string[],
  client: string | null,
  balancer: string,
  wanted: ClientAddress,
): string {
  if (client === null) {
    return 'which address the nodes see is not proven: this machine has no other address than the balancer’s';
  }
  const words = received.flatMap((line) => line.replaceAll(/IPv6:/gi, ' ').split(/[^0-9A-Fa-f.:]+/));
  const names = (address: string): boolean =>
    words.some((word) => word === address || (isIPv4(address) && word.startsWith(`${address}:`)));
  if (names(client)) return `the node sees the client’s address (${client})`;
  const instead = names(balancer) ? `the balancer’s (${balancer})` : 'neither it nor the balancer’s';
  if (wanted === 'hidden') return `the node sees not the client’s address but ${instead}, as the cluster file says`;
  const how =
    wanted === 'proxy'
      ? 'let its SMTP listener read PROXY headers from the balancer’s address'
      : 'let its way back to clients lead through the balancer';
  throw wrongAnswer(
    'client address through the balancer',
    `the node to see ${client}`,
    `in the message’s Received lines it wrote ${instead}: ${how}, or say clientAddress: hidden for smtp`,
  );
}

/** Domains that are nobody's, so that not even an open relay would hand anything on (RFC 2606). */
const OUTSIDE = ['example.net', 'example.org', 'example.com'] as const;

/**
 * From the balancer's own address, which is where nodes see every client whose own one is hidden: where it counts as
 * their own network, the whole world may send to everybody (procedure, rule 14).
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
