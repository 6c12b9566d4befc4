import { certificateAt, type TlsPlace } from '../platform/certificate.js';

/** Whether a certificate serves its clients, as it may enter history. */
export interface CertificateShown {
  /** Client names that it was not issued for. */
  readonly lacks: readonly string[];
  /** Its last day, as year-month-day; of several the first to end. */
  readonly until: string;
  /** Whole days from now to its end, negative after it. */
  readonly days: number;
  /** It begins only later. */
  readonly early: boolean;
  /** This machine trusts who issued it. */
  readonly trusted: boolean;
}

const DAY = 86_400_000;

/**
 * What clients of these names are shown at one address and port, each asking for its own name, as servers with several
 * certificates expect it.
 *
 * @returns null where nobody speaks TLS.
 */
export async function certificateShown(
  place: Omit<TlsPlace, 'name'>,
  names: readonly string[],
  signal: AbortSignal,
): Promise<CertificateShown | null> {
  const looks = await Promise.all(
    names.map(async (name) => ({ name, shown: await certificateAt({ ...place, name }, signal) })),
  );
  const shown = looks.flatMap((look) => (look.shown === null ? [] : [{ name: look.name, ...look.shown }]));
  if (shown.length === 0) return null;
  const now = Date.now();
  const until = Math.min(...shown.map((one) => one.until));
  return {
    lacks: shown.filter((one) => !one.names).map(({ name }) => name),
    until: new Date(until).toISOString().slice(0, 10),
    days: Math.floor((until - now) / DAY),
    early: shown.some(({ from }) => from > now),
    trusted: shown.every(({ trusted }) => trusted),
  };
}
