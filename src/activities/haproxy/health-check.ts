import { SERVICES, type ServiceName } from '../../cluster/services.js';

/** How HAProxy asks one node whether a service works there. */
export interface HealthCheck {
  /** Lines of the backend: the dialogue. */
  readonly lines: readonly string[];
  /** Words on each server's line. */
  readonly words: string;
}

const PLAIN = 'check';

/**
 * The dialogues, each in the protocol's own words up to the greeting and a polite good-bye. None logs in: a check
 * that does fills the logs and locks its account out (procedure, rule 14).
 */
const DIALOGUES = {
  smtp: { lines: ['option smtpchk EHLO localhost'], words: PLAIN },
  imap: {
    lines: ['option tcp-check', 'tcp-check expect rstring "^\\* OK"', 'tcp-check send "a LOGOUT\\r\\n"'],
    words: PLAIN,
  },
  pop3: {
    lines: ['option tcp-check', 'tcp-check expect rstring "^\\+OK"', 'tcp-check send "QUIT\\r\\n"'],
    words: PLAIN,
  },
  // A handshake that succeeds. The nodes' certificates bear the clients' name, not the nodes' addresses.
  tls: { lines: [], words: 'check check-ssl verify none' },
  tcp: { lines: [], words: PLAIN },
} as const satisfies Record<string, HealthCheck>;

/** The health check of a service. */
export function healthCheckOf(service: ServiceName): HealthCheck {
  return DIALOGUES[SERVICES[service].check];
}
