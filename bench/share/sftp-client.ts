import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';

import type { Frame } from './frames.js';
import { FrameReader, HAS_TIMES, OPEN_CREATE, OPEN_EXCLUSIVE, OPEN_WRITE, SFTP, stringAt } from './frames.js';

const VERSION = 3;
/** Answers to LSTAT that are no failure: attributes, or "no such file". */
const ATTRIBUTES = 105;
const NO_SUCH_FILE = 2;

/**
 * As much of a client of SFTP as the relay's ceiling needs: what a mover asks of a share, without a file system between.
 * Every method sends at once and answers when the server has; a refusal throws.
 */
export class SftpClient {
  private readonly waiting = new Map<number, { resolve: (frame: Frame) => void; reject: (error: Error) => void }>();
  private lastId = 0;

  private constructor(private readonly socket: Socket) {
    const frames = new FrameReader((frame) => {
      this.waiting.get(frame.id)?.resolve(frame);
      this.waiting.delete(frame.id);
    }, true);
    socket.on('data', (chunk) => frames.push(chunk));
    socket.on('close', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('the connection has ended'));
    });
  }

  static async connect(port: number): Promise<SftpClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    // INIT and VERSION carry a version where the others have their id.
    const hello = new Promise<void>((resolve) => {
      const frames = new FrameReader(() => resolve());
      socket.once('data', (chunk) => frames.push(chunk));
    });
    socket.write(Buffer.from([0, 0, 0, 5, SFTP.INIT, 0, 0, 0, VERSION]));
    await hello;
    return new SftpClient(socket);
  }

  async lstat(path: string): Promise<boolean> {
    const { type, body } = await this.ask(SFTP.LSTAT, [text(path)]);
    if (type === ATTRIBUTES) return true;
    if (type === SFTP.STATUS && body.readUInt32BE(0) === NO_SUCH_FILE) return false;
    throw new Error('LSTAT was refused');
  }

  /** Makes a new file. */
  async create(path: string): Promise<Buffer> {
    const flags = number(OPEN_WRITE | OPEN_CREATE | OPEN_EXCLUSIVE);
    const { type, body } = await this.ask(SFTP.OPEN, [text(path), flags, number(0)]);
    if (type !== SFTP.HANDLE) throw new Error('OPEN was refused');
    return Buffer.from(stringAt(body, 0));
  }

  write(handle: Buffer, at: number, content: Buffer): Promise<void> {
    return this.done('WRITE', SFTP.WRITE, [string(handle), number(0), number(at), string(content)]);
  }

  setTimes(handle: Buffer, seconds: number): Promise<void> {
    const times = [number(HAS_TIMES), number(seconds), number(seconds)];
    return this.done('FSETSTAT', SFTP.FSETSTAT, [string(handle), ...times]);
  }

  fsync(handle: Buffer): Promise<void> {
    return this.done('fsync', SFTP.EXTENDED, [text('fsync@openssh.com'), string(handle)]);
  }

  close(handle: Buffer): Promise<void> {
    return this.done('CLOSE', SFTP.CLOSE, [string(handle)]);
  }

  mkdir(path: string): Promise<void> {
    return this.done('MKDIR', SFTP.MKDIR, [text(path), number(0)]);
  }

  rename(from: string, to: string): Promise<void> {
    return this.done('rename', SFTP.EXTENDED, [text('posix-rename@openssh.com'), text(from), text(to)]);
  }

  end(): void {
    this.socket.destroy();
  }

  private async done(what: string, type: number, parts: readonly Buffer[]): Promise<void> {
    const { type: answer, body } = await this.ask(type, parts);
    if (answer !== SFTP.STATUS || body.readUInt32BE(0) !== 0) throw new Error(`${what} was refused`);
  }

  private ask(type: number, parts: readonly Buffer[]): Promise<Frame> {
    this.lastId += 1;
    const id = this.lastId;
    const payload = Buffer.concat([Buffer.from([type]), number(id), ...parts]);
    this.socket.write(Buffer.concat([number(payload.length), payload]));
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

function string(bytes: Buffer): Buffer {
  return Buffer.concat([number(bytes.length), bytes]);
}

function text(value: string): Buffer {
  return string(Buffer.from(value));
}
