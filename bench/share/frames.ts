/** Numbers of the SFTP protocol, version 3 (draft-ietf-secsh-filexfer-02), as far as a mover's file system uses them. */
export const SFTP = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  SETSTAT: 9,
  FSETSTAT: 10,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  RMDIR: 15,
  REALPATH: 16,
  STAT: 17,
  RENAME: 18,
  READLINK: 19,
  SYMLINK: 20,
  STATUS: 101,
  HANDLE: 102,
  EXTENDED: 200,
} as const;

/** Flags of OPEN. */
export const OPEN_WRITE = 0x02;
export const OPEN_CREATE = 0x08;
export const OPEN_EXCLUSIVE = 0x20;

/** Flag of a file's attributes: access and modification time, four bytes each, follow. */
export const HAS_TIMES = 0x08;

const NAMES = new Map<number, string>(Object.entries(SFTP).map(([name, type]) => [type, name]));

/** Bytes before the payload: its length, and inside it type and id. */
const LENGTH = 4;
const TYPE_AND_ID = 5;
/** Enough of a frame to know what it asks for: a path, not the content of a file. */
const HEAD_LIMIT = 8_192;

/** One message of the protocol. */
export interface Frame {
  readonly type: number;
  /** Bytes after the length. */
  readonly length: number;
  /** What follows type and id, cut off after 8 kB. */
  readonly body: Buffer;
  readonly id: number;
}

/** Finds the frames in a stream that arrives in pieces of any size. */
export class FrameReader {
  private head: Buffer = Buffer.alloc(0);
  /** Bytes of the current frame that are still to come and of no interest. */
  private toSkip = 0;

  /** @param whole true: bodies are not cut off */
  constructor(
    private readonly onFrame: (frame: Frame) => void,
    private readonly whole = false,
  ) {}

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.toSkip > 0) {
        const skipped = Math.min(this.toSkip, rest.length);
        this.toSkip -= skipped;
        rest = rest.subarray(skipped);
        continue;
      }
      const known = this.head.length === 0 ? rest : Buffer.concat([this.head, rest]);
      const length = known.length < LENGTH ? Infinity : known.readUInt32BE(0);
      const wanted = LENGTH + (this.whole ? length : Math.min(length, HEAD_LIMIT));
      if (known.length < wanted) {
        this.head = known;
        return;
      }
      this.head = Buffer.alloc(0);
      this.toSkip = LENGTH + length - wanted;
      rest = known.subarray(wanted);
      this.onFrame({
        type: known.readUInt8(LENGTH),
        length,
        id: length < TYPE_AND_ID ? 0 : known.readUInt32BE(LENGTH + 1),
        body: known.subarray(LENGTH + TYPE_AND_ID, wanted),
      });
    }
  }
}

/** What a request is called: extensions by their own name, without the vendor. */
export function nameOfRequest({ type, body }: Frame): string {
  if (type !== SFTP.EXTENDED) return NAMES.get(type) ?? `type ${type}`;
  return stringAt(body, 0).toString('latin1').replace(/@.*$/, '');
}

/** Whether a request makes a file. */
export function isCreation({ type, body }: Frame): boolean {
  return type === SFTP.OPEN && (body.readUInt32BE(4 + body.readUInt32BE(0)) & OPEN_CREATE) !== 0;
}

/** How many bytes of a file a request carries. */
export function bytesWritten({ type, body }: Frame): number {
  // Handle, offset of eight bytes, content.
  return type === SFTP.WRITE ? body.readUInt32BE(4 + body.readUInt32BE(0) + 8) : 0;
}

/** A string of the protocol: its length, then its bytes. */
export function stringAt(body: Buffer, at: number): Buffer {
  return body.subarray(at + 4, at + 4 + body.readUInt32BE(at));
}
