import type { AccountSpec, OutsideMailbox } from '../cluster/schema.js';
import { loginOf } from './mail/account.js';
import { travel } from './mail/journey.js';
import type { Procedure } from './resource.js';

export interface ProbeOutsideInput {
  readonly node: { readonly id: string; readonly address: string; readonly host: string };
  /** Where the node takes mail of users who have logged in. */
  readonly smtp: number;
  readonly domain: string;
  readonly sender: AccountSpec;
  readonly outside: OutsideMailbox;
}

/** Milliseconds that a message to the outside may take. One that was greylisted there comes later: try again then. */
const PATIENCE = 180_000;

/**
 * Proves that a node's mail reaches other domains: sent by a user who has logged in, it is in a mailbox outside exactly
 * once, says that it came through this node, and is removed (procedure, rule 18).
 */
export function probeOutsideWithin(
  patience: number,
): Procedure<ProbeOutsideInput, { readonly subject: string; readonly seconds: number }, 'control'> {
  return {
    place: 'control',
    async run({ node, smtp, domain, sender, outside }, context) {
      const { address, user, imap } = outside;
      const password = await context.agent.secrets.resolve(outside.password.secret, context.signal);
      return await travel(
        {
          name: `${node.id}>outside`,
          smtp: { address: node.address, port: smtp },
          imap: { address: imap.host, port: imap.port, tls: imap.tls },
          pop3: undefined,
          sender: await loginOf(sender, domain, context),
          recipient: {
            user: user ?? address,
            password: password.reveal(),
          },
          to: address,
          patience,
          through: [node.host, node.address],
        },
        context.signal,
      );
    },
  };
}

/** The probe with the patience that another provider's filters take. */
export const probeOutside = probeOutsideWithin(PATIENCE);
