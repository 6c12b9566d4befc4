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

export type ServiceName = keyof typeof SERVICES;
