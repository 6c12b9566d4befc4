import { RolloutError } from '../../cluster/errors.js';
import type { MailServer } from './server.js';

/** Codes of Node.js, nodemailer and imapflow, and event names of node-pop3: nobody answered, or the line broke. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNECTION',
  'ECONNABORTED',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'ETIMEOUT',
  'ESOCKET',
  'EDNS',
  'CONNECT_TIMEOUT',
  'GREETING_TIMEOUT',
  'NoConnection',
  'EConnectionClosed',
  'ClosedAfterConnectText',
  'timeout',
  'close',
  'end',
]);

/** A probe's wrong answer, in our words. Trying again changes nothing. */
export function wrongAnswer(check: string, expected: string, came: string, cause?: unknown): RolloutError {
  return new RolloutError('PROBE_FAILED', `${check}: expected ${expected}, but ${came}`, { cause });
}

/** A wrong SMTP code: a temporary one (4xx) may be gone a moment later, as just after a start or with greylisting. */
export function wrongCode(check: string, expected: string, code: number): RolloutError {
  if (code < 400 || code >= 500) return wrongAnswer(check, expected, `${code} came`);
  return new RolloutError('PROBE_NOT_READY', `${check}: expected ${expected}, but ${code} (not now) came`);
}

/** Nobody answered, or the line broke in the middle: trying again may help. */
export function unreachable(check: string, { address, port }: MailServer, cause?: unknown): RolloutError {
  return new RolloutError('PROBE_UNREACHABLE', `${check}: ${address} port ${port} does not answer`, { cause });
}

/**
 * Our own error for what a mail client threw. Its message stays out: it may carry what was sent.
 *
 * @param check - what was tried, in words.
 * @param expected - what a working service does.
 */
export function mailFailure(check: string, server: MailServer, expected: string, cause: unknown): RolloutError {
  if (cause instanceof RolloutError) return cause;
  if (UNREACHABLE.has(codeOf(cause))) return unreachable(check, server, cause);
  if (isTemporary(cause)) {
    return new RolloutError('PROBE_NOT_READY', `${check}: expected ${expected}, but the server says: not now`, {
      cause,
    });
  }
  return wrongAnswer(check, expected, 'the server refused', cause);
}

/** nodemailer's and imapflow's ways to carry a temporary refusal. */
function isTemporary(error: unknown): boolean {
  const { responseCode, serverResponseCode } = error as {
    readonly responseCode?: unknown;
    readonly serverResponseCode?: unknown;
  };
  if (typeof responseCode === 'number') return responseCode >= 400 && responseCode < 500;
  return serverResponseCode === 'UNAVAILABLE' || serverResponseCode === 'INUSE';
}

function codeOf(error: unknown): string {
  const { code, eventName } = error as { readonly code?: unknown; readonly eventName?: unknown };
  return [code, eventName].find((name) => typeof name === 'string') ?? '';
}
