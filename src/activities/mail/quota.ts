import { inInbox } from './imap-session.js';
import type { Login, MailServer } from './server.js';

interface Amount {
  readonly messages: number;
  readonly bytes: number;
}

/** What a mailbox holds, and what its server says of it. */
export interface QuotaSeen {
  readonly held: Amount;
  /** Undefined where the server tells no quota by IMAP (RFC 9208). */
  readonly told: Partial<Amount> | undefined;
}

/** The unit of IMAP's STORAGE: servers round to it. */
const UNIT = 1024;

/**
 * Counts a small mailbox, and asks for its quota.
 *
 * @throws RolloutError PROBE_UNREACHABLE, or PROBE_FAILED when the server refuses.
 */
export async function quotaOf(server: MailServer, login: Login, signal: AbortSignal): Promise<QuotaSeen> {
  return await inInbox(server, login, signal, async (client) => {
    const quota = await client.getQuota('INBOX');
    let [messages, bytes] = [0, 0];
    for (const { path, flags } of await client.list()) {
      if (flags.has('\\Noselect') || flags.has('\\NonExistent')) continue;
      const { exists } = await client.mailboxOpen(path, { readOnly: true });
      const found = exists === 0 ? [] : await client.fetchAll('1:*', { size: true });
      messages += found.length;
      for (const { size = 0 } of found) bytes += size;
    }
    const [count, storage] = quota === false ? [] : [quota.message?.usage, quota.storage?.usage];
    const told = {
      ...(count === undefined ? {} : { messages: count }),
      ...(storage === undefined ? {} : { bytes: storage }),
    };
    return { held: { messages, bytes }, told: Object.keys(told).length === 0 ? undefined : told };
  });
}

/** What is wrong with a quota, in words; null when it is what the mailbox holds, or is not told. Pure. */
export function quotaWrong({ held, told }: QuotaSeen): string | null {
  if (told === undefined) return null;
  const { messages = held.messages, bytes = held.bytes } = told;
  if (messages !== held.messages) return `${messages} messages are counted, ${held.messages} are there`;
  return Math.abs(bytes - held.bytes) <= UNIT ? null : `${bytes} bytes are counted, ${held.bytes} are there`;
}
