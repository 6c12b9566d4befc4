/** One mail service at one address. */
export interface MailServer {
  readonly address: string;
  readonly port: number;
  /** The address of this machine from which SMTP connects; the system chooses one unless told. */
  readonly from?: string;
  /**
   * How the line is secured, with a certificate that is verified. Without it, TLS is used where it is offered and its
   * certificate is not verified: for nodes, see {@link UNVERIFIED_TLS}.
   */
  readonly tls?: 'implicit' | 'starttls' | 'none';
}

/** A mailbox and the password to it. Lives only in memory, never in a result or an error. */
export interface Login {
  /** Full address: what IceWarp accepts as a user name in every login mode. */
  readonly user: string;
  readonly password: string;
}

/** Milliseconds of silence after which a mail service counts as not there. */
export const PATIENCE = 10_000;

/**
 * Probes speak to nodes by address, to which no certificate is issued; they prove that mail flows, not who serves it.
 * So an offered TLS is used, and its certificate is not verified.
 */
export const UNVERIFIED_TLS = { rejectUnauthorized: false } as const;
