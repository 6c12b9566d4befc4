import { connect, type Socket } from 'node:net';

/** Milliseconds after which a silent server counts as one that does not serve. */
const PATIENCE = 10_000;
const LINE_END = 0x0a;

/** Where a client of the load connects to, and from which address of its own. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly localAddress: string;
}

/** The server does not serve: refused, broken, silent, or asks to come again. */
export class Unserved extends Error {}

/** A TCP connection read line by line; everything that breaks it is an {@link Unserved}. */
export class Connection {
  private data: Buffer = Buffer.alloc(0);
  private broken: Unserved | undefined;
  private wake: () => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    socket.setTimeout(PATIENCE, () => this.break('silent'));
    socket.on('data', (part) => {
      this.data = this.data.length === 0 ? part : Buffer.concat([this.data, part]);
      this.wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => this.break(error.code ?? error.message));
    socket.on('close', () => this.break('closed'));
  }

  /** Connects; the first thing that the server says may be read then. */
  static open(endpoint: Endpoint): Connection {
    return new Connection(connect(endpoint));
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    let end = this.data.indexOf(LINE_END);
    for (; end === -1; end = this.data.indexOf(LINE_END)) await this.more();
    return this.take(end + 1)
      .toString('latin1')
      .replace(/\r?\n$/, '');
  }

  /** The next so many bytes. */
  async bytes(length: number): Promise<Buffer> {
    while (this.data.length < length) await this.more();
    return this.take(length);
  }

  write(text: string): void {
    this.socket.write(text, 'utf8');
  }

  close(): void {
    this.socket.destroy();
  }

  private take(length: number): Buffer {
    const taken = this.data.subarray(0, length);
    this.data = this.data.subarray(length);
    return taken;
  }

  private async more(): Promise<void> {
    if (this.broken !== undefined) throw this.broken;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
  }

  private break(reason: string): void {
    this.broken ??= new Unserved(reason);
    this.socket.destroy();
    this.wake();
  }
}
