import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  type BigIntStats,
} from 'node:fs';

import type { LedgerReader } from './ledger.js';
import { isMadeByUs, isOwn, join, toFs, under, type ByteName } from './names.js';
import { packEntries, type PackedEntries } from './pack.js';
import { FileState, FileType, hasLostTime, readRow, sameIdentity, stateOf } from './row.js';
import { heldTime, sourceFacts } from './source-facts.js';
import type { SkipReason } from './types.js';
import { fileBack, folderBack, isAsCopied, type Kept } from './way-back.js';
import type { Entry, FolderFacts, Rules } from './work.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/** Files of a unit, and bytes after which it ends. */
const UNIT_FILES = 64;
const UNIT_BYTES = 4 * 1024 * 1024;

/** What the list says of a copy with another time. */
export const TIME_LOST = 'copied, with the nearest time that the destination holds';

/** Why a name that begins like ours stays behind. */
const OWN_NAME = 'names that begin so are those of temporary files of this program';

/** Nothing below such a path was ever copied, so that it keeps no deletion from being right. */
export const TOO_DEEP = 'the path is longer than the system takes';

export interface WalkTask {
  readonly folder: number;
  readonly path: ByteName;
  /** Whether the ledger can know anything in it. */
  readonly known: boolean;
  /** Its attributes as the destination has them; of a new one those that it shall get. */
  readonly like?: FolderFacts;
  /** Only to prove that nothing changes any more: content is not looked at. */
  readonly proof?: boolean;
}

/** What a walker goes by. */
export interface WalkRules {
  readonly source: ByteName;
  readonly device: bigint;
  readonly exclude: (path: ByteName) => boolean;
  readonly rehash: (path: ByteName) => boolean;
  readonly final: boolean;
  /** Nanoseconds: when the last complete pass began; a new file that is older was perhaps moved (R19). 0n: none. */
  readonly before: bigint;
  readonly shallow: boolean;
  /** The tree was a destination, now or on a way back: temporary files in it are of ours. */
  readonly ownNames: boolean;
  /** Names that the destination takes for one (R11). */
  readonly folds: Pick<Rules, 'foldsCase' | 'foldsForm'>;
  /** On the way back rows know only size and time of what lies on the share, as exactly as it keeps them (R8). */
  readonly loose?: Kept;
}

export interface WalkedFolder {
  readonly name: ByteName;
  readonly facts: FolderFacts;
}

/** What one folder of the source holds, compared with the ledger. */
export interface Walked {
  readonly folder: number;
  readonly facts: FolderFacts | null;
  readonly folders: readonly WalkedFolder[];
  /** To be copied or looked at, cut into units. */
  readonly units: readonly PackedEntries[];
  /** Those with several names (R13), and those that may have been moved (R19). */
  readonly linked: PackedEntries;
  readonly perhapsMoved: PackedEntries;
  /** Names that the ledger knows and the source has not: files with their rows, folders. */
  readonly gone: readonly { readonly name: ByteName; readonly row: Uint8Array }[];
  readonly goneFolders: readonly ByteName[];
  readonly skipped: readonly { readonly name: ByteName; readonly reason: SkipReason; readonly detail: string }[];
  readonly files: number;
  readonly bytes: number;
  readonly unchanged: number;
  /** The folder could not be read: nothing may be deleted in this pass (R18). */
  readonly failed?: string;
}

/** Reads one folder and compares it with the ledger: an unchanged file costs nothing at the destination. */
export function walkFolder(reader: LedgerReader | null, rules: WalkRules, task: WalkTask): Walked {
  const { folder, path } = task;
  const root = under(rules.source, path);
  let names: readonly ByteName[];
  let self: BigIntStats;
  try {
    // a link on the way leads out of the tree, even where it has only taken a folder's place a moment ago
    const fd = openSync(toFs(root), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      const itself = `/proc/self/fd/${fd}`;
      if (readlinkSync(itself, 'latin1') !== root) return emptyWalk(folder, 'ENOTDIR');
      self = fstatSync(fd, { bigint: true });
      // a file system that was unmounted meanwhile looks like a folder without anything in it (R15)
      if (self.dev !== rules.device) return emptyWalk(folder, 'EXDEV');
      names = readdirSync(itself, 'latin1');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return emptyWalk(folder, (error as NodeJS.ErrnoException).code ?? 'UNEXPECTED');
  }
  const known = task.known && reader !== null;
  const files = known ? reader.filesOf(folder) : null;
  const knownFolders = known ? reader.foldersOf(folder) : null;
  const back = (facts: FolderFacts, like: FolderFacts | undefined, isNew: boolean): FolderFacts =>
    rules.loose === undefined ? facts : folderBack(facts, like, isNew, rules.loose);
  const folders: WalkedFolder[] = [];
  const entries: Entry[] = [];
  const linked: Entry[] = [];
  const perhapsMoved: Entry[] = [];
  const skipped: { name: ByteName; reason: SkipReason; detail: string }[] = [];
  let [count, bytes, unchanged] = [0, 0, 0];
  let failed: string | undefined;
  const collides = collisions(
    rules.folds,
    names,
    (name) => files?.has(name) === true || knownFolders?.has(name) === true,
  );
  for (const name of names) {
    const below = join(path, name);
    if (isOwn(name)) {
      const isOurs = rules.ownNames && isMadeByUs(name);
      if (!isOurs && !rules.exclude(below)) skipped.push({ name, reason: 'NAME_UNHOLDABLE', detail: OWN_NAME });
      continue;
    }
    if (rules.exclude(below)) {
      files?.delete(name);
      knownFolders?.delete(name);
      continue;
    }
    if (collides.has(name)) {
      skipped.push({ name, reason: 'NAME_COLLISION', detail: 'the destination takes it for another name' });
      continue;
    }
    let stats: BigIntStats;
    try {
      stats = lstatSync(toFs(`${root}/${name}`), { bigint: true });
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      // it vanished between the two looks: as if it had never been there
      if (code === 'ENAMETOOLONG') {
        files?.delete(name);
        knownFolders?.delete(name);
        skipped.push({ name, reason: 'NAME_UNHOLDABLE', detail: TOO_DEEP });
      } else if (code !== 'ENOENT') {
        failed = code;
        files?.delete(name);
        knownFolders?.delete(name);
        skipped.push({ name, reason: 'DENIED', detail: code });
      }
      continue;
    }
    if (stats.isDirectory()) {
      const former = knownFolders?.get(name);
      knownFolders?.delete(name);
      if (stats.dev !== rules.device) {
        skipped.push({ name, reason: 'OTHER_DEVICE', detail: 'another file system is mounted there' });
      } else if (!rules.shallow)
        folders.push({ name, facts: back(folderFacts(stats), former ?? task.like, former === undefined) });
      continue;
    }
    const kind = stats.isFile() ? 'file' : stats.isSymbolicLink() ? 'link' : null;
    if (kind === null) {
      skipped.push({ name, reason: 'ODD_TYPE', detail: oddType(stats) });
      continue;
    }
    count += 1;
    bytes += Number(stats.size);
    const row = files?.get(name);
    if (row !== undefined) files?.delete(name);
    const there = sourceFacts(stats);
    const facts = rules.loose === undefined ? there : fileBack(there, row, task.like, rules.loose);
    const why = whyOf(rules, row, facts, kind, task.proof === true ? null : below);
    if (why === null) {
      unchanged += 1;
      if (row !== undefined && hasLostTime(row)) skipped.push({ name, reason: 'TIME_RANGE', detail: TIME_LOST });
      continue;
    }
    const entry: Entry = { name, kind, why, facts, place: 'asked', ...(row === undefined ? {} : { row }) };
    if (facts.links > 1) linked.push(entry);
    else if (why === 'new' && kind === 'file' && facts.mtime < rules.before) perhapsMoved.push(entry);
    else entries.push(entry);
  }
  return {
    folder,
    facts: back(folderFacts(self), task.like, false),
    folders,
    units: cut(entries),
    linked: packEntries(linked),
    perhapsMoved: packEntries(perhapsMoved),
    gone: files === null ? [] : [...files].map(([name, row]) => ({ name, row })),
    goneFolders: knownFolders === null ? [] : [...knownFolders.keys()],
    skipped,
    files: count,
    bytes,
    unchanged,
    ...(failed === undefined ? {} : { failed }),
  };
}

function whyOf(
  rules: WalkRules,
  row: Buffer | undefined,
  facts: Entry['facts'],
  kind: Entry['kind'],
  /** null: content is not looked at. */
  path: ByteName | null,
): Entry['why'] | null {
  if (row === undefined) return 'new';
  if (rules.loose !== undefined && isAsCopied(row, facts, rules.loose)) {
    return path !== null && kind === 'file' && rules.rehash(path) ? 'check' : null;
  }
  if (sameIdentity(row, facts)) {
    // only the content tells (R6); links have no content that times could hide
    if (path === null || kind !== 'file') return null;
    return stateOf(row) === FileState.racy || (rules.final && rules.rehash(path)) ? 'check' : null;
  }
  const { size, mtime, type } = readRow(row);
  const sameKind = (type === FileType.file) === (kind === 'file');
  return sameKind && kind === 'file' && size === facts.size && mtime === facts.mtime ? 'check' : 'changed';
}

/** Names whose place at the destination another one takes: those that are there already win, then the first by bytes. */
function collisions(
  { foldsCase, foldsForm }: WalkRules['folds'],
  names: readonly ByteName[],
  isThere: (name: ByteName) => boolean,
): ReadonlySet<ByteName> {
  const lost = new Set<ByteName>();
  if (!foldsCase && !foldsForm) return lost;
  const taken = new Set<string>();
  const order = [...names].sort((a, b) => Number(isThere(b)) - Number(isThere(a)) || (a < b ? -1 : 1));
  for (const name of order) {
    const text = Buffer.from(name, 'latin1').toString('utf8');
    const formed = foldsForm ? text.normalize('NFC') : text;
    const folded = foldsCase ? formed.toLowerCase() : formed;
    if (taken.has(folded)) lost.add(name);
    taken.add(folded);
  }
  return lost;
}

function cut(entries: readonly Entry[]): PackedEntries[] {
  const units: PackedEntries[] = [];
  let unit: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    unit.push(entry);
    bytes += Number(entry.facts.size);
    if (unit.length < UNIT_FILES && bytes < UNIT_BYTES) continue;
    units.push(packEntries(unit));
    [unit, bytes] = [[], 0];
  }
  if (unit.length > 0) units.push(packEntries(unit));
  return units;
}

export function folderFacts(stats: BigIntStats): FolderFacts {
  return {
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtime: heldTime(stats.mtimeNs),
    ino: stats.ino,
  };
}

function oddType(stats: BigIntStats): string {
  if (stats.isSocket()) return 'a socket';
  if (stats.isFIFO()) return 'a pipe';
  return 'a device';
}

function emptyWalk(folder: number, failed: string): Walked {
  const none = packEntries([]);
  return {
    folder,
    facts: null,
    folders: [],
    units: [],
    linked: none,
    perhapsMoved: none,
    gone: [],
    goneFolders: [],
    skipped: [],
    files: 0,
    bytes: 0,
    unchanged: 0,
    failed,
  };
}
