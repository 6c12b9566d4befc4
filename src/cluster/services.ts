/** The protocols that the balancer carries, with their usual port and the way a health check speaks to them. */
export const SERVICES = {
  smtp: { port: 25, check: 'smtp' },
  smtps: { port: 465, check: 'tls' },
  submission: { port: 587, check: 'smtp' },
  pop3: { port: 110, check: 'pop3' },
  pop3s: { port: 995, check: 'tls' },
  imap: { port: 143, check: 'imap' },
  imaps: { port: 993, check: 'tls' },
  http: { port: 80, check: 'tcp' },
  https: { port: 443, check: 'tls' },
  xmpp: { port: 5222, check: 'tcp' },
  groupware: { port: 5229, check: 'tcp' },
} as const;

/**
 * The lowest and highest of the ports in which the agents meet: the end of the range that IceWarp's list gives to calls,
 * used from its beginning.
 */
const MEETING_PORTS = { first: 10_252, last: 10_255 } as const;

/** Where the agents of two nodes find each other, most wanted first: only one is needed, the others may be taken. */
export const MEETING_POINTS: readonly number[] = Array.from(
  { length: MEETING_PORTS.last - MEETING_PORTS.first + 1 },
  (_, index) => MEETING_PORTS.last - index,
);

/**
 * Ports of IceWarp that must be open between nodes, TCP and UDP: the list of the vendor's partner, who opens everything
 * "and at least those". Which one carries the invalidation of caches is not documented.
 */
export const BETWEEN_NODES: readonly number[] = [
  ...[21, 25, 80, 110, 143, 161, 366, 389, 443, 465, 587, 636, 990, 993, 995, 1080, 4069, 4070, 5060, 5061],
  ...[5222, 5223, 5229, 5269, 10_000, 32_000, 32_001, 32_002],
];

export type ServiceName = keyof typeof SERVICES;
