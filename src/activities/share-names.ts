import { ODD_CHARACTERS, type HeldNames } from '../cluster/file-names.js';
import { runCommand, type RunOptions } from '../platform/run.js';

/** Lengths of names, in bytes, at which file systems and servers stop. */
const LENGTHS = [255, 254, 252, 250, 240, 226, 200, 143, 100, 64];

/** Names that are tried, one character per byte, each told from the others by how it begins. */
const ends = ['e1.', 'e2 '];
const odd = ODD_CHARACTERS.map((character, index) => `o${index}${character}o`);
const bytes = ['b\xff\xfe'];
const cases = ['case', 'CASE'];
/** é as one character and as two. */
const forms = ['f\xc3\xa9', 'fe\xcc\x81'];

/**
 * Finds out, as that user, what names a folder holds: makes files and looks which are there afterwards, under exactly
 * that name. Leaves them to whoever removes the folder.
 *
 * @param folder an empty folder of our own on the share.
 */
export async function namesHeldIn(folder: string, options: RunOptions): Promise<HeldNames> {
  const long = LENGTHS.map((length) => `l${length}`.padEnd(length, 'l'));
  const tried = [...long, ...ends, ...odd, ...bytes, ...cases, ...forms];
  const there = new Set(await made(folder, tried, options));
  return {
    longest: LENGTHS.find((_, index) => there.has(long[index] ?? '')) ?? 0,
    refused: ODD_CHARACTERS.filter((_, index) => !there.has(odd[index] ?? '')),
    ends: ends.every((name) => there.has(name)),
    bytes: bytes.every((name) => there.has(name)),
    foldsCase: !cases.every((name) => there.has(name)),
    foldsForm: !forms.every((name) => there.has(name)),
  };
}

/** The names that are there after all were made. */
async function made(folder: string, names: readonly string[], options: RunOptions): Promise<string[]> {
  const input = Buffer.from(names.map((name) => `${folder}/${name}\0`).join(''), 'latin1');
  // each by a process of its own: one that fails in a strange way must not take the others along; 123: some failed
  await runCommand('xargs', ['--null', '--max-args=1', 'touch', '--'], { ...options, input, accept: [0, 123] });
  const { stdout } = await runCommand('ls', ['--almost-all', '--quoting-style=escape', '--', folder], {
    ...options,
    env: { LC_ALL: 'C' },
  });
  return stdout.split('\n').map(unescaped);
}

const CONTROLS: Readonly<Record<string, string>> = { n: '\n', t: '\t' };

/** A name as `ls` prints it in the C locale, as one character per byte. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(parseInt(code, 8)) : (CONTROLS[code] ?? code),
  );
}
