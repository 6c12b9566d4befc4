import type { AccountSpec } from '../cluster/schema.js';
import { loginOf } from './mail/account.js';
import { expectOldMessage, plantOldMessage, removeOldMessage, type MailboxBefore } from './mail/old-message.js';
import type { Login, MailServer } from './mail/server.js';
import type { Agent } from './agent.js';
import type { Context, Procedure } from './resource.js';
import { stateFile, type StateFile } from './state-file.js';

export interface OldMessagesInput {
  /** The node that is asked. */
  readonly node: { readonly id: string; readonly address: string };
  readonly imap: number;
  readonly cluster: string;
  readonly domain: string;
  /** The probe accounts: the only mailboxes whose passwords are known. */
  readonly accounts: readonly AccountSpec[];
}

/** What the probe accounts' mailboxes held before their mail moved, by account. */
type Before = Readonly<Record<string, MailboxBefore>>;

/** What is kept of a whole mailbox has to stay small: a probe account has few folders. */
function noteOf(agent: Agent): StateFile<Before> {
  return stateFile<Before>(agent, 'old-messages');
}

/** Puts an old message into every probe account before the mail moves, and notes what their folders hold (rule 18). */
export const plantOldMessages: Procedure<OldMessagesInput, { readonly planted: number }, 'control'> = {
  place: 'control',
  async run(input, context) {
    const before: Record<string, MailboxBefore> = {};
    for (const { login, name } of await mailboxes(input, context)) {
      before[name] = await plantOldMessage(serverOf(input), login, input.cluster, context.signal);
    }
    await noteOf(context.agent).write(before);
    return { planted: Object.keys(before).length };
  },
};

/**
 * Proves through one node that the probe accounts' mail has come along: message by hash, flag, UID, folders. The note is
 * on the control machine; without it, as after a restore of that machine, nothing can be compared and nothing is proven.
 */
export const probeOldMessages: Procedure<OldMessagesInput, { readonly checks: readonly string[] }, 'control'> = {
  place: 'control',
  async run(input, context) {
    const { node, cluster } = input;
    const before = (await noteOf(context.agent).read()) ?? {};
    const checks: string[] = [];
    for (const { login, name } of await mailboxes(input, context)) {
      const was = before[name];
      if (was === undefined) {
        checks.push(`${node.id}: not proven for ${login.user}: nothing was noted before its mail moved`);
        continue;
      }
      await expectOldMessage(node.id, serverOf(input), login, cluster, was, context.signal);
      checks.push(`${node.id}: old mail of ${login.user} is there, byte for byte and under its old numbers`);
    }
    return { checks };
  },
};

/** Removes the old messages of the probe accounts, and the note about them. */
export const removeOldMessages: Procedure<OldMessagesInput, void, 'control'> = {
  place: 'control',
  async run(input, context) {
    for (const { login } of await mailboxes(input, context)) {
      await removeOldMessage(serverOf(input), login, context.signal);
    }
    await noteOf(context.agent).remove();
  },
};

function serverOf({ node, imap }: OldMessagesInput): MailServer {
  return { address: node.address, port: imap };
}

async function mailboxes(
  { accounts, domain }: OldMessagesInput,
  context: Context,
): Promise<readonly { readonly name: string; readonly login: Login }[]> {
  return Promise.all(
    accounts.map(async (account) => ({ name: account.name, login: await loginOf(account, domain, context) })),
  );
}
