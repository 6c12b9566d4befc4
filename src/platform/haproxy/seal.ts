import { sha256Of } from '../vault.js';

/** First line of every file that we render; says to a reader what to do instead of editing. */
const HEADER =
  '# Written as a whole by icewarp-rollout: an edit by hand is found, reported and overwritten by the next rollout.';

/** HAProxy repeats its description through the runtime socket, so the seal also tells which file it has loaded. */
const SEAL = /^ {4}description icewarp-rollout ([0-9a-f]{16})$/m;
const sealLine = (digest: string): string => `    description icewarp-rollout ${digest}`;
const OPEN_SEAL = sealLine('-');

/** What a configuration file is to us. `edited`: ours once, changed by someone else since. */
export type Provenance = 'none' | 'foreign' | 'ours' | 'edited';

/**
 * Puts our header and the seal on a configuration: a digest of everything else in it. By the seal a later version
 * of the product still recognises its own unedited work, whatever it would render itself.
 *
 * @param body - the configuration; its first section must be `global`.
 */
export function sealed(body: string): string {
  const unsealed = `${HEADER}\n${body.replace(/^global$/m, `global\n${OPEN_SEAL}`)}`;
  return unsealed.replace(OPEN_SEAL, sealLine(digestOf(unsealed)));
}

/** The same configuration with a part of it changed by us, sealed anew. */
export function resealed(text: string, change: (unsealed: string) => string): string {
  const unsealed = change(text.replace(SEAL, OPEN_SEAL));
  return unsealed.replace(OPEN_SEAL, sealLine(digestOf(unsealed)));
}

/** The digest in the seal, or null where there is none. */
export function sealOf(text: string): string | null {
  return SEAL.exec(text)?.[1] ?? null;
}

/** Whether the file is ours and as we left it. */
export function provenanceOf(text: string | null): Provenance {
  if (text === null) return 'none';
  const seal = sealOf(text);
  if (seal === null) return 'foreign';
  return digestOf(text.replace(SEAL, OPEN_SEAL)) === seal ? 'ours' : 'edited';
}

/** Whether a configuration opens ports for clients, which the one that Debian's package brings does not. */
export function servesClients(text: string): boolean {
  return /^[ \t]*(frontend|listen)\s/m.test(text);
}

function digestOf(unsealed: string): string {
  return sha256Of(unsealed).slice(0, 16);
}
