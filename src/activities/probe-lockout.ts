import { RolloutError } from '../cluster/errors.js';
import type { AccountSpec } from '../cluster/schema.js';
import { DEBIAN_PLACES, type HaproxyPlaces } from '../platform/haproxy/places.js';
import { admittedNow, statesNow } from './haproxy/states.js';
import { wrongAnswer, wrongCode } from './mail/failure.js';
import { clientAddressOf } from './mail/own-address.js';
import { recipientAnswer } from './mail/smtp.js';
import type { MailServer } from './mail/server.js';
import type { Procedure } from './resource.js';

export interface ProbeLockoutInput {
  /** The balancer's address and the port at which it carries SMTP. */
  readonly address: string;
  readonly port: number;
  readonly domain: string;
  /** An account that exists. */
  readonly known: AccountSpec;
  /** The beginning of names that no account has. */
  readonly unknown: string;
}

export interface ProbeLockoutOutput {
  /** What was proven, in words. */
  readonly checks: readonly string[];
}

/** Unknown recipients after which a server that blocks guessers at all has blocked one. */
const GUESSES = 25;

/**
 * Proves that one client who guesses names does not lock everybody out (procedure, rule 14): the guesses come through the
 * balancer from the balancer's own address, which every node must exempt, because HAProxy's checks, and where clients are
 * hidden all of them, come from there. Then another client must still be served.
 *
 * It is tried only while there is one node in the balancer: two clients surely meet the same one, and no users are there.
 */
export function probeLockoutAt(places: HaproxyPlaces): Procedure<ProbeLockoutInput, ProbeLockoutOutput, 'control'> {
  return {
    place: 'control',
    async run({ address, port, domain, known, unknown }, context) {
      const { signal } = context;
      const admitted = admittedNow(await statesNow(places.socket, signal));
      if (admitted.size !== 1) return { checks: ['not tried: users may be there, more than one node is let in'] };
      const client = clientAddressOf(address, context);
      const smtp: MailServer = { address, port };
      const other = client === null ? smtp : { ...smtp, from: client };
      const user = `${known.name}@${domain}`;
      const before = await recipientAnswer(other, user, signal);
      if (before !== 250) throw wrongCode(`SMTP through the balancer, known recipient ${user}`, '250', before);
      const guesses = await guess({ ...smtp, from: address }, unknown, domain, signal);
      await stillServed(other, user, address, guesses.count, signal);
      const blocked = guesses.blocked ? 'and was blocked itself' : 'and was not blocked';
      return { checks: [`a client guessed ${guesses.count} unknown names ${blocked}; another one was still served`] };
    },
  };
}

/** Asks for names that nobody has, until the server has had enough of it or {@link GUESSES} are over. */
async function guess(
  smtp: MailServer,
  unknown: string,
  domain: string,
  signal: AbortSignal,
): Promise<{ count: number; blocked: boolean }> {
  for (let count = 1; count <= GUESSES; count += 1) {
    try {
      const code = await recipientAnswer(smtp, `${unknown}-${count}@${domain}`, signal);
      if (code < 500) return { count, blocked: true };
    } catch (error) {
      if (!(error instanceof RolloutError)) throw error;
      return { count, blocked: true };
    }
  }
  return { count: GUESSES, blocked: false };
}

async function stillServed(
  smtp: MailServer,
  user: string,
  balancer: string,
  guesses: number,
  signal: AbortSignal,
): Promise<void> {
  let came: string;
  try {
    const code = await recipientAnswer(smtp, user, signal);
    if (code === 250) return;
    came = `${code} came`;
  } catch (error) {
    if (!(error instanceof RolloutError)) throw error;
    came = 'it is not served any more';
  }
  throw wrongAnswer(
    `after ${guesses} unknown names from one client`,
    `another client to be served (${user}: 250)`,
    `${came}: exempt the balancer’s address ${balancer} from intrusion prevention and tarpitting on every node, end the block, then retry`,
  );
}

/** The probe for HAProxy at the places of Debian's package. */
export const probeLockout = probeLockoutAt(DEBIAN_PLACES);
