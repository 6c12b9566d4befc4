import { NOT_ADMITTED } from '../../platform/haproxy/configuration.js';
import { resealed } from '../../platform/haproxy/seal.js';

/** A server's line as we render it: indentation and name, and whether it ends by taking the node out. */
const SERVER = /^( {4}server (\S+) .*?)( disabled)?$/gm;

/** The nodes that a configuration of ours names, in its order. */
export function nodesOf(text: string): readonly string[] {
  return [...new Set(Array.from(text.matchAll(SERVER), ([, , id = '']) => id))];
}

/** The nodes that a configuration of ours lets in: on no service taken out. */
export function admittedNodes(text: string): ReadonlySet<string> {
  const admitted = new Set(nodesOf(text));
  for (const [, , id = '', out] of text.matchAll(SERVER)) if (out !== undefined) admitted.delete(id);
  return admitted;
}

/** The same configuration with one node let in, or taken out, on every service. */
export function withAdmission(text: string, node: string, admitted: boolean): string {
  return resealed(text, (unsealed) =>
    unsealed.replaceAll(SERVER, (line: string, rest: string, id: string) => {
      if (id !== node) return line;
      return admitted ? rest : `${rest} ${NOT_ADMITTED}`;
    }),
  );
}
