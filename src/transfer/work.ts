import type { ByteName } from './names.js';
import type { FileRow, Identity } from './row.js';
import type { SkipReason } from './types.js';

/** What the destination can do, found out by the probe; every executor goes by it. */
export interface Rules {
  /** Whom copies belong to; without it, whom the originals belong to. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Whether owners can be set and stay. */
  readonly owners: boolean;
  /** Whom a new file belongs to without being asked. */
  readonly createdAs: { readonly uid: number; readonly gid: number };
  /** Permission bits that a file keeps from its creation. */
  readonly createdMode: number;
  /** Whether modes can be changed afterwards, and stay. */
  readonly modes: boolean;
  /** Nanoseconds between two times that the destination tells apart. */
  readonly granularity: bigint;
  /** Nanoseconds: the earliest and latest time that it holds. */
  readonly earliest: bigint;
  readonly latest: bigint;
  readonly hardLinks: boolean;
  readonly symlinks: boolean;
  /** Whether a folder can be synced; where not, its entries are as durable as the server makes them (R3). */
  readonly folderSync: boolean;
  /** Whether names that differ by case, or by Unicode normal form, are one there. */
  readonly foldsCase: boolean;
  readonly foldsForm: boolean;
  /** Microseconds of a call, the median. */
  readonly latency: number;
}

/** What of a source file a copy needs to know. */
export interface SourceFacts extends Identity {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds. */
  readonly atime: bigint;
  /** Blocks of 512 bytes: fewer than its size needs, and it has holes. */
  readonly blocks: bigint;
  readonly links: number;
}

/** One file or link to be copied or looked at. */
export interface Entry {
  readonly name: ByteName;
  readonly kind: 'file' | 'link';
  /**
   * new: no row. changed: size or time differ from the row. check: only what does not tell a change for sure differs,
   * or the row is racy (R5, R6): the content decides.
   */
  readonly why: 'new' | 'changed' | 'check';
  readonly facts: SourceFacts;
  /** Encoded row of what is at the destination. */
  readonly row?: Buffer;
  /**
   * free: nothing of that name can be at the destination. ours: what is there we have written ourselves, before a kill.
   * asked: it has to be looked at first (R4).
   */
  readonly place: 'free' | 'ours' | 'asked';
}

/** The durable part of a large file (R20). */
export interface Part {
  readonly temp: ByteName;
  readonly identity: Identity;
  readonly chunks: readonly Uint8Array[];
}

/** How the work on one entry ended. */
export type Outcome =
  | {
      readonly is: 'copied' | 'same' | 'adopted';
      readonly row: FileRow;
      /** Reverse only: the destination had changed as well; its version is in quarantine. */
      readonly conflict?: true;
    }
  | { readonly is: 'vanished' }
  | { readonly is: 'skipped'; readonly reason: SkipReason; readonly detail: string }
  /** May succeed later: a code such as EIO. */
  | { readonly is: 'again'; readonly code: string }
  /** ENOSPC or EDQUOT: nothing can be written until there is room. */
  | { readonly is: 'no room'; readonly code: string };

/** Files of one folder that one executor copies in a row; what it wrote is durable when it has ended. */
export interface Unit {
  readonly folder: number;
  /** Path below the roots. */
  readonly path: ByteName;
  /** Name, beside its place, of the folder that is being filled; its files are written under their final names. */
  readonly stage?: ByteName;
  /** First of its staging folder: makes it. */
  readonly create: boolean;
  /** Last of its staging folder: gives it these attributes and renames it into its place. */
  readonly close?: FolderFacts;
  /** The folder may hand down a group of its own to what is made in it. */
  readonly handsDown: boolean;
  /** So many of its names are new that one look at the whole folder costs less than one at each of them (R4). */
  readonly list?: true;
  readonly entries: readonly Entry[];
  /** Durable parts of entries, by name. */
  readonly parts?: ReadonlyMap<ByteName, Part>;
}

/** Attributes of a source folder. */
export interface FolderFacts {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: bigint;
  readonly ino: bigint;
}

export interface UnitResult {
  /** In the order of the entries; those that were not reached are absent at the end. */
  readonly outcomes: readonly Outcome[];
  /**
   * Why the folder itself could not be worked in; then nothing of the unit counts as durable. `wrote`: what lies under
   * its final name all the same.
   */
  readonly failed?: { readonly code: string; readonly wrote: readonly ByteName[] };
  /** The staging folder is in its place. */
  readonly closed: boolean;
}
