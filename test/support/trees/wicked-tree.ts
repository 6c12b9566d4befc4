import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  ftruncateSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';

import { output } from '../commands.js';
import type { ByteName } from './names.js';
import { bytesOf, nameOf } from './names.js';
import { Random } from './random.js';

const MIB = 1 << 20;

/** Which of the wicked things are wanted. */
export interface WickedTreeOptions {
  readonly seed: number;
  /** Bytes of the large file; default a little over 64 MiB; 0: none, where a test copies the tree many times. */
  readonly large?: number;
  /** Also a path that is longer than a system call takes (4,096 bytes); default only one of over 3,000. */
  readonly beyondPathMax?: boolean;
}

/** A tree that {@link makeWickedTree} made. */
export interface WickedTree {
  readonly root: string;
  /** Paths below the root of what is neither file, folder nor link, and of links that lead out of the tree. */
  readonly odd: readonly ByteName[];
  readonly outside: readonly ByteName[];
  /** Every folder and file of the path that no system call takes; empty unless it was asked for. */
  readonly tooDeep: readonly ByteName[];
}

/** Names that programs have stumbled over. All are different files on a file system that keeps bytes. */
const NAMES: readonly ByteName[] = [
  '\xff\xfe not UTF-8',
  'half a character \xc3',
  'line\nbreak',
  '\n',
  'tab\tand\rreturn',
  'bell\x07 and escape \x1b[31m',
  '-rf',
  '--delete',
  '~',
  ' ',
  ' blank before and after ',
  '...',
  '*?[a]{b}$(c)`d`',
  '\\ and "quotes" and \'ticks\'',
  '%s%n%00',
  'colon:stream',
  'ends with a dot.',
  'CON',
  'aux.imap',
  'Case',
  'case',
  'CASE',
  nameOf('caf\u00e9'),
  nameOf('cafe\u0301'),
  nameOf('\u{1f4e7} post'),
  nameOf('\u212a'),
  'n'.repeat(255),
  nameOf('\u00fc'.repeat(127)),
  '\x80'.repeat(255),
];

/** Modification times in seconds and nanoseconds, as `touch` reads them. */
const TIMES = ['-5.25', '-1.000000001', '-0.5', '0', '1.000000001', '1700000000.123456789', '2147483648.5'] as const;

/** Before 1901 and after 2446 an ext4 cannot hold them. */
const FAR_TIMES = ['-2147483000.999999999', '4102444800.000000999', '9999999999.000000001'] as const;

/**
 * Makes a tree of all that makes copying hard: names, types, links, times, modes, owners (as root), depth, holes. Takes
 * about a second, most of it for the large file.
 *
 * @param root a folder that exists and is empty
 */
export async function makeWickedTree(root: string, options: WickedTreeOptions): Promise<WickedTree> {
  const random = new Random(options.seed);
  const at = (path: ByteName): Buffer => bytesOf(`${nameOf(root)}/${path}`);
  const file = (path: ByteName, content: string | Buffer = `content of ${path}`): void =>
    writeFileSync(at(path), content);
  const folder = (path: ByteName): void => {
    mkdirSync(at(path));
  };

  for (const name of NAMES) {
    folder(name);
    file(`${name}/${name}`);
  }
  folder('empty');
  folder('empty/er');
  file('no bytes', '');
  file('one byte', 'x');

  const outside = links(folder, file, at);
  hardLinks(folder, file, at);
  modes(folder, file, at);
  owners(folder, file, at);
  const odd = await oddTypes(root, folder);
  sizes(at, random, options.large ?? 64 * MIB + 12_345);
  deepPath(root, 'deep', 16);
  const tooDeep = options.beyondPathMax === true ? deepPath(root, 'too deep', 25) : [];
  // Last, because making something in a folder changes the folder's time.
  times(root, folder, file);
  return { root, odd, outside, tooDeep };
}

type Make = (path: ByteName) => void;
type At = (path: ByteName) => Buffer;

function links(folder: Make, file: Make, at: At): ByteName[] {
  folder('links');
  folder('links/target');
  file('links/target/file');
  const link = (path: ByteName, target: ByteName): ByteName => {
    symlinkSync(bytesOf(target), at(`links/${path}`));
    return `links/${path}`;
  };
  link('to file', 'target/file');
  link('to folder', 'target');
  link('up and down', '../links/target/file');
  link('dangling', 'not/there');
  link('to itself', 'to itself');
  link('not UTF-8 \xff', 'target/\xff\n');
  link('long', 'target/'.repeat(500));
  return [
    link('out', '../../elsewhere'),
    link('out and in', '../../elsewhere/../links/target'),
    link('absolute', '/etc/hostname'),
  ];
}

function hardLinks(folder: Make, file: Make, at: At): void {
  folder('hard');
  folder('hard/other');
  file('hard/one');
  linkSync(at('hard/one'), at('hard/two'));
  linkSync(at('hard/one'), at('hard/other/three'));
  file('hard/pair');
  linkSync(at('hard/pair'), at('hard/pair\xff\n'));
}

function modes(folder: Make, file: Make, at: At): void {
  folder('modes');
  for (const mode of [0o000, 0o001, 0o400, 0o444, 0o600, 0o640, 0o777, 0o4755, 0o2755, 0o1644, 0o7777]) {
    file(`modes/file ${mode.toString(8)}`);
    chmodSync(at(`modes/file ${mode.toString(8)}`), mode);
  }
  for (const mode of [0o000, 0o500, 0o555, 0o700, 0o2770, 0o1777, 0o7777]) {
    const path = `modes/folder ${mode.toString(8)}`;
    folder(path);
    file(`${path}/file`);
    chmodSync(at(path), mode);
  }
}

function owners(folder: Make, file: Make, at: At): void {
  if (process.getuid?.() !== 0) return;
  folder('owners');
  const own = (path: ByteName, uid: number, gid: number): void => chownSync(at(path), uid, gid);
  file('owners/user');
  own('owners/user', 1_001, 1_002);
  file('owners/largest');
  own('owners/largest', 2 ** 32 - 2, 2 ** 31 + 5);
  // Changing the owner takes set-user-id away: it has to be set afterwards.
  file('owners/set-user-id');
  own('owners/set-user-id', 65_534, 65_534);
  chmodSync(at('owners/set-user-id'), 0o6755);
  folder('owners/folder');
  own('owners/folder', 1_003, 0);
  symlinkSync('user', at('owners/link'));
  lchownSync(at('owners/link'), 1_004, 1_005);
}

async function oddTypes(root: string, folder: Make): Promise<ByteName[]> {
  folder('odd');
  const paths = ['odd/socket', 'odd/pipe'];
  await socket(`${root}/odd`);
  output('mkfifo', [`${root}/odd/pipe`]);
  if (process.getuid?.() === 0) {
    output('mknod', [`${root}/odd/device`, 'c', '1', '3']);
    paths.push('odd/device');
  }
  return paths;
}

/** A socket that nobody listens to. Node removes what it listens to when it stops, unless it has another name by then. */
async function socket(folder: string): Promise<void> {
  const server = createServer();
  // The address of a socket may have 107 bytes only, so not by its own path.
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(`/proc/self/fd/${descriptor}/listening`, resolve);
  });
  renameSync(`${folder}/listening`, `${folder}/socket`);
  await new Promise((resolve) => server.close(resolve));
  closeSync(descriptor);
}

function sizes(at: At, random: Random, large: number): void {
  mkdirSync(at('sizes'));
  const sparse = openSync(at('sizes/sparse'), 'w');
  writeSync(sparse, 'begin');
  writeSync(sparse, 'middle', 5 * MIB + 1);
  ftruncateSync(sparse, 10 * MIB + 3);
  closeSync(sparse);
  const hole = openSync(at('sizes/nothing but a hole'), 'w');
  ftruncateSync(hole, 3 * MIB);
  closeSync(hole);
  writeFileSync(at('sizes/real zeros'), Buffer.alloc(2 * MIB));
  for (const length of [4_095, 65_536, 65_537, MIB + 1]) {
    writeFileSync(at(`sizes/${length}`), random.text(length));
  }
  if (large === 0) return;
  const file = openSync(at('sizes/large'), 'w');
  const pool = random.text(MIB + 1);
  for (let written = 0; written < large; written += pool.length) {
    writeSync(file, pool, 0, Math.min(pool.length, large - written));
  }
  closeSync(file);
}

/** Folders in one another with names of 200 bytes, and a file in the last; answers all their paths, the first one first. */
function deepPath(root: string, first: ByteName, levels: number): ByteName[] {
  const names = [first, ...Array.from({ length: levels }, (_, level) => String.fromCharCode(97 + level).repeat(200))];
  const paths: ByteName[] = [];
  let here = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  for (const name of names) {
    // Through the descriptor, because from some level on the whole path is too long.
    const path = `/proc/self/fd/${here}/${name}`;
    mkdirSync(path);
    const next = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    closeSync(here);
    here = next;
    paths.push(paths.length === 0 ? name : `${paths.at(-1) ?? ''}/${name}`);
  }
  writeFileSync(`/proc/self/fd/${here}/file`, 'at the bottom');
  closeSync(here);
  return [...paths, `${paths.at(-1) ?? ''}/file`];
}

function times(root: string, folder: Make, file: Make): void {
  folder('times');
  const all = [...TIMES, ...FAR_TIMES];
  for (const time of all) {
    file(`times/${time}`);
    folder(`times/folder ${time}`);
  }
  symlinkSync('0', `${root}/times/link`);
  const script = [
    'for time do touch -d "@$time" -- "times/$time" "times/folder $time"; done',
    'touch -h -d @1111111111.000000001 -- times/link',
    'touch -d @1600000000.5 -- times',
    'touch -d @1234567890.987654321 -- deep',
  ];
  output('sh', ['-e', '-c', script.join('\n'), 'sh', ...all], { cwd: root });
}

/** Removes a tree of any depth, which `fs.rm` cannot where a path is longer than a system call takes. */
export function removeTree(root: string): void {
  output('rm', ['-rf', '--one-file-system', '--', root]);
}
