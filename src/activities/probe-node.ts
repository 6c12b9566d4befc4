import type { AccountSpec } from '../cluster/schema.js';
import { loginOf } from './mail/account.js';
import { wrongCode } from './mail/failure.js';
import { imapLogin } from './mail/imap.js';
import { pop3Login } from './mail/pop3.js';
import { recipientAnswer } from './mail/smtp.js';
import type { MailServer } from './mail/server.js';
import { webClientAnswers } from './mail/web.js';
import type { Procedure } from './resource.js';

export interface ProbeNodeInput {
  readonly node: { readonly id: string; readonly address: string };
  /** Ports of the services that shall answer. */
  readonly services: { readonly smtp?: number; readonly imap?: number; readonly pop3?: number; readonly http?: number };
  readonly domain: string;
  /** An account that exists. */
  readonly known: AccountSpec;
  /** A name that no account has. */
  readonly unknown: string;
}

export interface ProbeNodeOutput {
  /** What was proven, in words. */
  readonly checks: readonly string[];
}

/**
 * Proves that one node serves the cluster's accounts: SMTP takes a known recipient and refuses an unknown one, IMAP and
 * POP3 let the known one in, and the web client answers (procedure, rule 18: reading a setting back proves a file, not the running service). An
 * unknown recipient that is taken means default settings; a known one that is refused, lost accounts (rule 1).
 */
export const probeNode: Procedure<ProbeNodeInput, ProbeNodeOutput, 'control'> = {
  place: 'control',
  async run({ node, services: { smtp, imap, pop3, http }, domain, known, unknown }, context) {
    const { signal } = context;
    const login = await loginOf(known, domain, context);
    const at = (port: number): MailServer => ({ address: node.address, port });
    const checks: string[] = [];
    if (smtp !== undefined) {
      checks.push(await recipientTaken(node.id, at(smtp), login.user, signal));
      checks.push(await recipientRefused(node.id, at(smtp), `${unknown}@${domain}`, signal));
    }
    if (imap !== undefined) {
      await imapLogin(at(imap), login, signal);
      checks.push(`${node.id}: IMAP lets ${login.user} in`);
    }
    if (pop3 !== undefined) {
      await pop3Login(at(pop3), login, signal);
      checks.push(`${node.id}: POP3 lets ${login.user} in`);
    }
    if (http !== undefined) {
      await webClientAnswers(at(http), signal);
      checks.push(`${node.id}: the web client answers`);
    }
    return { checks };
  },
};

async function recipientTaken(node: string, smtp: MailServer, user: string, signal: AbortSignal): Promise<string> {
  const code = await recipientAnswer(smtp, user, signal);
  if (code !== 250) throw wrongCode(`${node}: SMTP, known recipient ${user}`, '250', code);
  return `${node}: SMTP takes ${user} (250)`;
}

async function recipientRefused(node: string, smtp: MailServer, user: string, signal: AbortSignal): Promise<string> {
  const code = await recipientAnswer(smtp, user, signal);
  if (code < 500) throw wrongCode(`${node}: SMTP, unknown recipient ${user}`, '5xx', code);
  return `${node}: SMTP refuses ${user} (${code})`;
}
