import { isIP } from 'node:net';

/** A service at an address or a name. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `host`, `host:port`, an IPv6 address, or `[IPv6]:port`; null for anything else. Pure.
 *
 * @param usual the port where none is written.
 */
export function endpointOf(text: string, usual: number): Endpoint | null {
  if (isIP(text) !== 0) return { host: text, port: usual };
  const [, inner, name, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = inner ?? name ?? '';
  const port = digits === undefined ? usual : Number(digits);
  if (inner !== undefined && isIP(inner) !== 6) return null;
  if (host === '' || port < 1 || port > 65_535) return null;
  return { host, port };
}
