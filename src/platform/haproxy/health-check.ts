import { SERVICES, type ServiceName } from '../../cluster/services.js';

/** How HAProxy asks one node whether a service works there. */
export interface HealthCheck {
  /** Lines of the backend: the dialogue. */
  readonly lines: readonly string[];
  /** Words on each server's line. */
  readonly words: string;
}

const PLAIN = 'check';
/** To the service's own port, with TLS and the PROXY header where the server's line has them. */
const CONNECT = 'tcp-check connect default';

/**
 * The dialogues, each in the protocol's own words up to the greeting and a polite good-bye. None logs in: a check
 * that does fills the logs and locks its account out (procedure, rule 14).
 */
const DIALOGUES = {
  smtp: {
    lines: [...expectCode(220), 'tcp-check send "HELO localhost\\r\\n"', ...expectCode(250), quit('QUIT')],
    words: PLAIN,
  },
  imap: { lines: ['tcp-check expect rstring "^\\* OK"', quit('a LOGOUT')], words: PLAIN },
  pop3: { lines: ['tcp-check expect rstring "^\\+OK"', quit('QUIT')], words: PLAIN },
  // A handshake that succeeds. The nodes' certificates bear the clients' name, not the nodes' addresses.
  tls: { lines: [], words: 'check check-ssl verify none' },
  tcp: { lines: [], words: PLAIN },
} as const satisfies Record<string, HealthCheck>;

/**
 * The health check of a service.
 *
 * @param ask where HAProxy itself tells whether a node knows its accounts; empty where nobody does.
 */
export function healthCheckOf(service: ServiceName, ask: readonly string[]): HealthCheck {
  const { lines, words } = DIALOGUES[SERVICES[service].check];
  return { lines: ['option tcp-check', CONNECT, ...lines, ...ask], words };
}

/**
 * Asks a node by SMTP whether it knows a recipient, without a login and without sending anything: with the accounts
 * database lost the answer is "not now" (451), although every port still greets.
 */
export function accountsCheck(recipient: string): readonly string[] {
  return [
    'option tcp-check',
    CONNECT,
    ...expectCode(220),
    'tcp-check send "HELO localhost\\r\\n"',
    ...expectCode(250),
    'tcp-check send "MAIL FROM:<>\\r\\n"',
    ...expectCode(250),
    `tcp-check send "RCPT TO:<${recipient}>\\r\\n"`,
    ...expectCode(250),
    quit('QUIT'),
  ];
}

/** A refusal is told at once; otherwise HAProxy would wait for the wanted answer until the check's time is over. */
function expectCode(code: number): readonly string[] {
  // of an answer, or a greeting, of several lines the last one counts
  return ['tcp-check expect min-recv 4 ! rstring "(^|\\n)[45]"', `tcp-check expect rstring "(^|\\n)${code} "`];
}

function quit(word: string): string {
  return `tcp-check send "${word}\\r\\n"`;
}
