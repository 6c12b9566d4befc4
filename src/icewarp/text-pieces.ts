import { TextDecoder } from 'node:util';

/** Part of a line of text; every byte is one character, so that nothing is lost of what is not UTF-8. */
export interface Piece {
  readonly line: number;
  readonly text: string;
  /** Bytes of the line before this text. */
  readonly offset: number;
  /** What begins before `from`, or at `until` or later, belongs to another piece of the same line. */
  readonly from: number;
  readonly until: number;
}

export interface PieceLimits {
  /** Bytes of a line that are looked at in one go. */
  readonly most: number;
  /** Bytes that two pieces of one line share: nothing longer is found at their border. */
  readonly overlap: number;
}

const LIMITS: PieceLimits = { most: 64 * 1024, overlap: 4 * 1024 };
/** Bytes before a place that say whether something begins there. */
const CONTEXT = 16;
/** Bytes at the beginning of a file that tell whether it is text. */
const SNIFFED = 8 * 1024;

const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const UTF16_MARKS = [
  { mark: Buffer.from([0xff, 0xfe]), encoding: 'utf-16le' },
  { mark: Buffer.from([0xfe, 0xff]), encoding: 'utf-16be' },
] as const;

/** Whether a file that begins like this is no text: a database, an archive, an index. */
export function isBinary(beginning: Buffer): boolean {
  if (UTF16_MARKS.some(({ mark }) => startsWith(beginning, mark))) return false;
  return beginning.subarray(0, SNIFFED).includes(0);
}

/** The bytes of a text, one character each: UTF-8 and anything else as it stands, UTF-16 as UTF-8. */
export async function* bytesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let first = true;
  for await (const chunk of chunks) {
    let content = chunk;
    if (first) {
      first = false;
      const wide = UTF16_MARKS.find(({ mark }) => startsWith(chunk, mark));
      if (wide !== undefined) decoder = new TextDecoder(wide.encoding);
      if (startsWith(chunk, UTF8_MARK)) content = chunk.subarray(UTF8_MARK.length);
    }
    yield decoder === undefined ? content.toString('latin1') : asBytes(decoder.decode(content, { stream: true }));
  }
}

/** The lines of a text, in pieces of bounded length however long they are. Lines count from 1. */
export async function* piecesOf(
  chunks: AsyncIterable<string>,
  { most, overlap }: PieceLimits = LIMITS,
): AsyncGenerator<Piece> {
  let [rest, line, offset, from] = ['', 1, 0, 0];
  for await (const chunk of chunks) {
    rest += chunk;
    let start = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
      yield { line, text: rest.slice(start, end), offset, from, until: Infinity };
      [start, line, offset, from] = [end + 1, line + 1, 0, 0];
    }
    rest = rest.slice(start);
    while (rest.length > most + overlap) {
      const text = rest.slice(0, most + overlap);
      yield { line, text, offset, from, until: most };
      const cut = most - CONTEXT;
      [rest, offset, from] = [rest.slice(cut), offset + cut, CONTEXT];
    }
  }
  if (rest !== '') yield { line, text: rest, offset, from, until: Infinity };
}

/** A text as its UTF-8 bytes, one character each. */
export function asBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The inverse of {@link asBytes}; what is not UTF-8 is read as Latin-1. */
export function asText(bytes: string): string {
  const buffer = Buffer.from(bytes, 'latin1');
  const text = buffer.toString('utf8');
  return Buffer.from(text, 'utf8').equals(buffer) ? text : bytes;
}

function startsWith(content: Buffer, mark: Buffer): boolean {
  return content.subarray(0, mark.length).equals(mark);
}
