import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';

import { whileConnected } from './connection.js';

/** What a client of a name sees of a server's certificate. */
export interface Certificate {
  /** It was issued for that name. */
  readonly names: boolean;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
  /** This machine trusts who issued it, as far as that can be told of one whose time is over. */
  readonly trusted: boolean;
}

export interface TlsPlace {
  readonly address: string;
  readonly port: number;
  /** The name that the client asks for. */
  readonly name: string;
}

/** Milliseconds until a server counts as not there. */
const PATIENCE = 5_000;

/** What a server shows a client who asks for a name; null where nobody speaks TLS. Verifies nothing, sends nothing. */
export async function certificateAt(
  { address, port, name }: TlsPlace,
  signal: AbortSignal,
): Promise<Certificate | null> {
  const open = (): TLSSocket => connect({ host: address, port, servername: name, rejectUnauthorized: false });
  try {
    return await whileConnected(open, { ready: 'secureConnect', patience: PATIENCE, signal }, (socket) => {
      const certificate = socket.getPeerCertificate();
      return Promise.resolve({
        names: checkServerIdentity(name, certificate) === undefined,
        from: Date.parse(certificate.valid_from),
        until: Date.parse(certificate.valid_to),
        trusted: isTrusted(socket.authorized, socket.authorizationError),
      });
    });
  } catch {
    signal.throwIfAborted();
    return null;
  }
}

/** Names and dates are told apart from who issued it. */
function isTrusted(authorized: boolean, why: unknown): boolean {
  const code = String(why);
  return (
    authorized ||
    code === 'CERT_HAS_EXPIRED' ||
    code === 'CERT_NOT_YET_VALID' ||
    code.startsWith('ERR_TLS_CERT_ALTNAME')
  );
}
