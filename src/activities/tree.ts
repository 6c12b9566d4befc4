import type { Limits, PassKind } from '../transfer/types.js';

/** A tree that is moved to the share: mail, archives, calendar. */
export interface Tree {
  /** Names its ledger on the node: lower-case letters, digits, hyphens. */
  readonly name: string;
  readonly source: string;
  readonly destination: string;
  /** What is left out (procedure, rule 3). */
  readonly exclude?: readonly string[];
  /** What the final pass reads again whatever its times say (procedure, rule 6). */
  readonly rehash?: readonly string[];
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly maxDelete?: number;
  readonly maxSkipped?: number;
  readonly threads?: number;
}

/** Into what a tree has been cut; the shards themselves lie beside its ledger, since paths are none of history's. */
export interface TreeCut {
  /** 0 when the tree is small enough to be copied as a whole. */
  readonly shards: number;
  readonly entries: number;
  /** Tells this cut from any later one. */
  readonly id: string;
}

export interface CopyTreeInput {
  readonly tree: Tree;
  readonly kind: PassKind;
  /** One shard of a cut; without it the whole tree. */
  readonly shard?: { readonly cut: string; readonly index: number };
}

export interface VerifyTreeInput {
  readonly tree: Tree;
  /** Percent of the files. */
  readonly sample?: number;
  /** Also all files that the latest pass wrote. */
  readonly latest?: boolean;
}

export interface ReverseTreeInput {
  readonly tree: Tree;
  /** On the file system of the source, outside of it. */
  readonly quarantine: string;
}

export interface LimitTreeInput {
  readonly tree: Tree;
  readonly limits: Limits;
}

/** What a heartbeat carries: counters, never names of files. */
export interface TreeBeat {
  readonly phase: string;
  readonly files: number;
  readonly bytes: number;
  readonly totalFiles?: number;
  readonly totalBytes?: number;
  readonly copiedFiles?: number;
  readonly skipped?: number;
  /** What it waits for. */
  readonly waits?: string;
}
