import type { AccountSpec } from '../cluster/schema.js';
import { loginOf } from './mail/account.js';
import { travel } from './mail/journey.js';
import type { MailServer } from './mail/server.js';
import type { Procedure } from './resource.js';

interface ProbedNode {
  readonly id: string;
  readonly address: string;
}

export interface ProbePairInput {
  /** Takes the message by SMTP. */
  readonly from: ProbedNode;
  /** Shows it by IMAP and POP3; may be the same node. */
  readonly to: ProbedNode;
  readonly ports: { readonly smtp: number; readonly imap: number; readonly pop3?: number };
  readonly domain: string;
  readonly sender: AccountSpec;
  readonly recipient: AccountSpec;
}

export interface ProbePairOutput {
  readonly subject: string;
  /** Seconds until the message was seen. */
  readonly seconds: number;
}

/**
 * Proves share, database, grants and roles at once: a message handed to one node is read through another, exactly once
 * (procedure, rule 18), and removed.
 */
export const probePair: Procedure<ProbePairInput, ProbePairOutput, 'control'> = {
  place: 'control',
  async run({ from, to, ports, domain, sender, recipient }, context) {
    const at = (node: ProbedNode, port: number): MailServer => ({ address: node.address, port });
    const { subject, seconds } = await travel(
      {
        name: `${from.id}>${to.id}`,
        smtp: at(from, ports.smtp),
        imap: at(to, ports.imap),
        pop3: ports.pop3 === undefined ? undefined : at(to, ports.pop3),
        sender: await loginOf(sender, domain, context),
        recipient: await loginOf(recipient, domain, context),
      },
      context.signal,
    );
    return { subject, seconds };
  },
};
