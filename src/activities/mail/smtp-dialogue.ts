import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';

import { unreachable } from './failure.js';
import { PATIENCE, type MailServer } from './server.js';

/**
 * An SMTP dialogue, command by command: for asking what a server would accept, without sending anything. (nodemailer
 * always sends.)
 */
export class SmtpDialogue {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #server: MailServer;

  private constructor(socket: Socket, server: MailServer) {
    this.#socket = socket;
    this.#server = server;
    this.#reader = createInterface({ input: socket, crlfDelay: Infinity });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    // readline ends with its input's end, but a broken line has none.
    socket.on('close', () => this.#reader.close());
  }

  /**
   * Connects; the server's greeting is the first `answer`.
   *
   * @throws RolloutError PROBE_UNREACHABLE when nobody answers.
   */
  static async open(server: MailServer, signal: AbortSignal): Promise<SmtpDialogue> {
    signal.throwIfAborted();
    const { address: host, port, from } = server;
    // a signal of its own: Node.js never takes back what a socket listens to, and there may be many dialogues
    const until = AbortSignal.any([signal]);
    const socket = connect({ host, port, signal: until, ...(from === undefined ? {} : { localAddress: from }) });
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('silence')));
    try {
      await once(socket, 'connect');
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable('SMTP', server, error);
    }
    // A line that breaks later shows as an answer that does not come.
    socket.on('error', () => undefined);
    return new SmtpDialogue(socket, server);
  }

  /** Says one command and returns the code of the answer. */
  async say(command: string): Promise<number> {
    this.#socket.write(`${command}\r\n`);
    return await this.answer();
  }

  /**
   * The code of the next answer, which may have several lines.
   *
   * @throws RolloutError PROBE_UNREACHABLE when the line breaks before it came.
   */
  async answer(): Promise<number> {
    for (;;) {
      const line = await this.#lines.next();
      if (line.done === true) throw unreachable('SMTP', this.#server);
      if (line.value[3] !== '-') return Number.parseInt(line.value, 10);
    }
  }

  close(): void {
    this.#reader.close();
    this.#socket.destroy();
  }
}
