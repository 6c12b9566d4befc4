import { SMTPServer } from 'smtp-server';

import { freePort } from '../../../src/lab/ports.js';

/** The mail server of other domains: it takes everything, and counts how often each subject came. */
export class CountingSink {
  readonly #counts = new Map<string, number>();
  /** Milliseconds between a message and its 250. */
  delay = 0;

  private constructor(
    readonly host: string,
    readonly port: number,
    private readonly server: SMTPServer,
  ) {}

  static async start(host: string): Promise<CountingSink> {
    const port = await freePort([host]);
    const server = new SMTPServer({
      authOptional: true,
      hideSTARTTLS: true,
      onData: (stream, _session, callback) => {
        const parts: Buffer[] = [];
        stream.on('data', (part: Buffer) => parts.push(part));
        stream.on('end', () => {
          sink.#count(Buffer.concat(parts).toString());
          setTimeout(callback, sink.delay);
        });
      },
    });
    server.on('error', () => undefined);
    const sink = new CountingSink(host, port, server);
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    return sink;
  }

  /** How often a message with that subject came. */
  times(subject: string): number {
    return this.#counts.get(subject) ?? 0;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  #count(message: string): void {
    const subject = /^Subject: (.*?)\r?$/m.exec(message)?.[1] ?? '';
    this.#counts.set(subject, this.times(subject) + 1);
  }
}
