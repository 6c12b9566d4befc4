/** What a column holds, as far as two databases may write the same in different ways. */
export type ValueKind = 'text' | 'number' | 'date' | 'bytes';

const NOTHING = Buffer.alloc(0);
const BLANK = 0x20;
/** Digits that every double keeps. */
const DIGITS = 15;

/**
 * One value in the form in which two databases can be compared: nothing and empty are the same, blanks at the end count
 * for nothing, and numbers and dates have one way to be written. Pure.
 *
 * @param bytes as the database sends it; null and empty for nothing.
 */
export function normalValue(kind: ValueKind, bytes: Buffer | null): Buffer {
  if (bytes === null || bytes.length === 0) return NOTHING;
  if (kind === 'bytes') return bytes;
  const text = withoutBlanks(bytes);
  if (kind === 'text') return text;
  return Buffer.from(kind === 'number' ? normalNumber(text.toString('latin1')) : normalDate(text.toString('latin1')));
}

function withoutBlanks(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === BLANK) end -= 1;
  return bytes.subarray(0, end);
}

/** `007`, `7.0` and `7` are one number; what is none stays as it is. */
function normalNumber(text: string): string {
  const [, sign = '', whole = '', part = '', power] =
    /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (whole + part === '') return text;
  if (power !== undefined) return plain(Number(text));
  const digits = whole.replace(/^0+(?=\d)/, '') || '0';
  const decimals = part.replace(/0+$/, '');
  // a double's last digits are the writer's choice
  if (decimals !== '' && digits.length + decimals.length >= DIGITS) return plain(Number(text));
  const number = decimals === '' ? digits : `${digits}.${decimals}`;
  return sign === '-' && number !== '0' ? `-${number}` : number;
}

function plain(value: number): string {
  return String(Number(value.toPrecision(DIGITS)));
}

/** `2026-01-02T03:04:05.000Z` and `2026-01-02 03:04:05` are one time; MySQL's zero date is none. */
function normalDate(text: string): string {
  const [, day, time = '', fraction = ''] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?))?(?:\.(\d+))?Z?$/.exec(text) ?? [];
  if (day === undefined) return text;
  if (day === '0000-00-00') return '';
  const seconds = time.length === 5 ? `${time}:00` : time;
  const decimals = fraction.replace(/0+$/, '');
  const clock = seconds === '' ? '00:00:00' : seconds;
  return decimals === '' ? `${day} ${clock}` : `${day} ${clock}.${decimals}`;
}
