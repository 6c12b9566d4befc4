import { setTimeout as sleep } from 'node:timers/promises';

import type { AccountSpec } from '../cluster/schema.js';
import { loginOf } from './mail/account.js';
import { wrongAnswer } from './mail/failure.js';
import { quotaOf, quotaWrong } from './mail/quota.js';
import type { Login, MailServer } from './mail/server.js';
import type { Context, Procedure } from './resource.js';

export interface ProbeQuotaInput {
  readonly node: { readonly id: string; readonly address: string };
  readonly imap: number;
  readonly domain: string;
  /** Sample accounts: whose passwords are known. */
  readonly accounts: readonly AccountSpec[];
}

/** Milliseconds until a refresh has reached the sample accounts, and between two looks. */
const PATIENCE = 600_000;
const PAUSE = 1_000;

/**
 * Sees by sample accounts that a refresh of the directory cache has ended: what the server counts for a mailbox is what
 * the mailbox holds (B3; procedure, rule 8). That IceWarp's IMAP quota comes from the directory cache is unconfirmed, and
 * so is that it tells one at all; where it does not, that is said.
 */
export function probeQuotaWithin(
  patience: number,
): Procedure<ProbeQuotaInput, { readonly checks: readonly string[] }, 'control'> {
  return {
    place: 'control',
    async run({ node, imap, domain, accounts }, context) {
      const server = { address: node.address, port: imap };
      const checks: string[] = [];
      for (const account of accounts) {
        checks.push(await counted(node.id, server, await loginOf(account, domain, context), patience, context));
      }
      return { checks };
    },
  };
}

async function counted(
  node: string,
  server: MailServer,
  login: Login,
  patience: number,
  { signal }: Context,
): Promise<string> {
  const deadline = Date.now() + patience;
  for (;;) {
    const seen = await quotaOf(server, login, signal);
    if (seen.told === undefined) return `${node}: not proven: it tells no quota of ${login.user} by IMAP`;
    const wrong = quotaWrong(seen);
    if (wrong === null)
      return `${node}: the quota of ${login.user} counts what is there (${seen.held.messages} messages)`;
    if (Date.now() > deadline) {
      throw wrongAnswer(
        `quota of ${login.user} on ${node}`,
        `it to count what is there within ${patience / 1000} s`,
        `${wrong}; has the directory cache been refreshed?`,
      );
    }
    await sleep(PAUSE, undefined, { signal });
  }
}

/** The probe with the patience that a walk over many mailboxes takes. */
export const probeQuota = probeQuotaWithin(PATIENCE);
