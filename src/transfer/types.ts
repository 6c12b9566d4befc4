/**
 * seed: the source is live, nothing is at the destination yet. delta: again, only what changed. final: the source is
 * quiet, and a second walk proves it.
 */
export type PassKind = 'seed' | 'delta' | 'final';

/** How fast a pass may go. Absent: as fast as it can. */
export interface Budget {
  /** Bytes per second. */
  readonly bytes?: number;
  /** Files per second. */
  readonly files?: number;
}

/** A budget for certain hours of the week, in the machine's local time. */
export interface TimetableEntry extends Budget {
  /** 0 = Sunday … 6 = Saturday. */
  readonly days: readonly number[];
  /** Minutes since midnight; `to` is exclusive; `to` ≤ `from` runs into the next day. */
  readonly from: number;
  readonly to: number;
}

/** What `limits.json` in the ledger's folder holds: the budget in force, and hours with another one. */
export interface Limits extends Budget {
  readonly timetable?: readonly TimetableEntry[];
}

/** What a pass is asked to do. Crosses a process boundary as JSON. */
export interface PassOptions {
  /** Absolute path of the tree that is copied. */
  readonly source: string;
  /** Absolute path of an existing folder. */
  readonly destination: string;
  /** Absolute path of a folder on the local disk: ledger, limits, lists of skipped items. */
  readonly ledger: string;
  readonly kind: PassKind;
  /**
   * Patterns of paths below the root that are left out, with everything below them: `*` within a name, `**` across
   * names; without a slash a pattern is matched against every name.
   */
  readonly exclude?: readonly string[];
  /** Patterns of files that the final pass reads again whatever their times say (procedure, rule 6). */
  readonly rehash?: readonly string[];
  /** Only these subtrees, relative to the root; the whole tree when absent. How a pass is cut into shards. */
  readonly only?: readonly string[];
  /** Only what lies directly in them, no folders below. */
  readonly shallow?: boolean;
  /** Whom the copies belong to; without it, whom the originals belong to where that can be set. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** The destination's own folder stays as it is: whoever made it has decided whose it is and who may use it. */
  readonly keepRoot?: boolean;
  /** Most deletions that a pass carries out (R18); default: the larger of 1,000 and 2 % of what was copied. */
  readonly maxDelete?: number;
  /** Skipped items after which the pass stops; default: no limit. */
  readonly maxSkipped?: number;
  /**
   * The ledger is lost or older than the destination: a new one is built from both sides, by content. Neither this
   * pass nor the next one deletes anything (R18, R21).
   */
  readonly adopt?: boolean;
  /** Synchronous workers or, on a slow share, the most lanes; default: chosen by what the destination gives. */
  readonly threads?: number;
  /** Lanes (true) or blocking threads (false), whatever the probe says of the destination's calls; default: by them. */
  readonly lanes?: boolean;
}

/** Why an item is not at the destination as it is in the source. Stable: scripts and approvals name them. */
export type SkipReason =
  | 'DENIED' // the source does not let us read it, or the destination write it
  | 'ODD_TYPE' // socket, pipe, device
  | 'LINK_OUTSIDE' // a symbolic link that leaves the root
  | 'NAME_UNHOLDABLE' // the destination cannot hold the name
  | 'NAME_COLLISION' // the destination takes it for the name of another file
  | 'TIME_RANGE' // the destination cannot hold the time: copied, with another time
  | 'FOREIGN' // something else by that name is at the destination, and we did not put it there
  | 'DEST_CHANGED' // somebody changed our copy at the destination
  | 'CHANGED' // it changed while it was read, each time: the next pass takes it
  | 'OTHER_DEVICE' // another file system is mounted there
  | 'CONFLICT' // reverse only: changed on both sides; the share's version won, the other is in quarantine
  | 'FAILED'; // an error that went on

/** One line of `skipped.jsonl`. */
export interface Skipped {
  /** Path below the root; bytes that are not UTF-8 as \xHH. */
  readonly path: string;
  readonly reason: SkipReason;
  /** The system's error code or a few words. */
  readonly detail: string;
}

/** Counters of a running pass; they never run backwards. */
export interface Progress {
  readonly phase: 'walk and copy' | 'moves' | 'deletions' | 'folders' | 'second walk' | 'verify';
  /** Files that the walk has met; bytes of them. */
  readonly seen: Amount;
  /** Files at the destination and in the ledger, from this and earlier passes. */
  readonly durable: Amount;
  /** Copied by this pass. */
  readonly copied: Amount;
  /** The source's size, once it has been counted. */
  readonly total?: Amount;
  readonly skipped: number;
  readonly deleted: number;
  readonly moved: number;
  /** What it waits for: "no room at the destination", "the share does not answer", "paused"; absent while it works. */
  readonly waits?: string;
}

export interface Amount {
  readonly files: number;
  readonly bytes: number;
}

/** How a pass ended. */
export interface PassResult {
  readonly kind: PassKind | 'reverse' | 'withdraw';
  /**
   * done; held: nothing was deleted because too much would be, or too many items were skipped; busy: the final pass
   * found that the source was not quiet.
   */
  readonly outcome: 'done' | 'held' | 'busy';
  /** Why it is held or busy, in words. */
  readonly why?: string;
  readonly seen: Amount;
  readonly copied: Amount;
  readonly unchanged: number;
  /** Were at the destination before us and are equal; absent when none. */
  readonly adopted?: number;
  readonly moved: number;
  readonly deleted: number;
  readonly hardLinks: number;
  readonly skipped: number;
  /** File with one JSON line per skipped item. */
  readonly skippedFile?: string;
  /** sha256 of the paths and reasons in it, equal for an equal set: what an approval names. */
  readonly skippedHash?: string;
  /** Exactness of times at the destination: `nanoseconds`, `microseconds` or what the file system keeps. */
  readonly times: string;
  /** What the destination does not offer, in words: directory fsync, hard links … */
  readonly notes: readonly string[];
  readonly seconds: number;
}

/** How a verification ended. */
export interface VerifyResult {
  readonly outcome: 'equal' | 'different';
  /** How the bytes were read; "through the cache" is not called verified (R25). */
  readonly read: 'direct' | 'another machine' | 'through the cache';
  readonly checked: Amount;
  readonly different: number;
  /** Of a sample: the number that chooses the same files again. */
  readonly seed?: number;
  /** One JSON line per difference. */
  readonly differencesFile?: string;
  readonly seconds: number;
}

/** What the parent hears from the engine's process: one JSON object per message. */
export type EngineMessage =
  | { readonly is: 'progress'; readonly progress: Progress }
  | { readonly is: 'done'; readonly result: PassResult | VerifyResult }
  | { readonly is: 'failed'; readonly code: string; readonly message: string };

/** What the engine's process hears. */
export type EngineOrder = { readonly order: 'stop' | 'pause' | 'resume' };

/** What the engine's process is started with, as JSON in its first message. */
export type EngineTask =
  | { readonly task: 'copy'; readonly options: PassOptions }
  | { readonly task: 'reverse'; readonly options: ReverseOptions }
  | { readonly task: 'verify'; readonly options: VerifyOptions }
  | { readonly task: 'withdraw'; readonly options: WithdrawOptions };

/** The way back of a tree: what changed at the destination since the final pass goes to the source (R24). */
export interface ReverseOptions {
  readonly ledger: string;
  readonly source: string;
  readonly destination: string;
  /**
   * Folder where whatever is replaced or removed is kept: on the source's file system, outside both trees. Where the
   * source is a file system of its own, it may lie in it under a name that `exclude` leaves out.
   */
  readonly quarantine: string;
  readonly exclude?: readonly string[];
  /** Patterns of files that are compared by content whatever their times say. */
  readonly rehash?: readonly string[];
  readonly maxDelete?: number;
  readonly threads?: number;
}

export interface VerifyOptions {
  readonly ledger: string;
  readonly destination: string;
  /** Percent of the files; 100 by default. */
  readonly sample?: number;
  /** Which files a sample takes: the same ones for the same number; without it others each time. */
  readonly seed?: number;
  /** Also all files that the latest pass wrote, whatever the sample takes. */
  readonly latest?: boolean;
  readonly threads?: number;
}

/** A copy that is given up: what it put at the destination is taken away. */
export interface WithdrawOptions {
  readonly ledger: string;
  readonly destination: string;
}
