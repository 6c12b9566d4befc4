import { readFile, stat } from 'node:fs/promises';

import type { FileAttributes } from '../../platform/atomic-file.js';
import { sha256OrNull } from '../../platform/vault.js';
import type { Context } from '../resource.js';
import { admittedNodes } from './admitted.js';
import type { HaproxyPlaces } from '../../platform/haproxy/places.js';
import { loadedSeal } from './runtime.js';
import { provenanceOf, sealOf, type Provenance } from '../../platform/haproxy/seal.js';

/** HAProxy as it is: its file and its process. */
export interface HaproxyObserved {
  readonly provenance: Provenance;
  /** Of the file; null where there is none. */
  readonly sha256: string | null;
  readonly attributes: Required<FileAttributes> | null;
  /** Nodes that a file of ours lets in. */
  readonly admitted: readonly string[];
  readonly running: boolean;
  /** Whether the running process has loaded exactly this file. */
  readonly loaded: boolean;
}

/** The file's text; null where there is none. */
export async function readConfiguration(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Looks at HAProxy's file and process. */
export async function observeHaproxy(
  file: string,
  { service, socket }: HaproxyPlaces,
  { agent, signal }: Context,
): Promise<HaproxyObserved> {
  const text = await readConfiguration(file);
  const seal = text === null ? null : sealOf(text);
  const running = await agent.platform.services.running(service, signal);
  return {
    provenance: provenanceOf(text),
    sha256: sha256OrNull(text),
    attributes: text === null ? null : await attributesOf(file),
    admitted: text === null || seal === null ? [] : [...admittedNodes(text)],
    running,
    loaded: running && seal !== null && (await loadedSeal(socket, signal)) === seal,
  };
}

async function attributesOf(file: string): Promise<Required<FileAttributes>> {
  const { mode, uid, gid } = await stat(file);
  return { mode: mode & 0o7777, uid, gid };
}
