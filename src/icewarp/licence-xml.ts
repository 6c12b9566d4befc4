import { createHash } from 'node:crypto';

import { RolloutError } from '../cluster/errors.js';

/** What may be said of a licence and compared between nodes. */
export interface LicencePrint {
  /** sha256 of what the licence allows. */
  readonly fingerprint: string;
  /** Modules and type, for the operator. */
  readonly summary: string;
}

/** One element that holds text: the names from the root down to it, and the text. */
interface Leaf {
  readonly path: readonly string[];
  readonly text: string;
}

/**
 * Elements that differ between two equal licences: who holds it, which machine and order it is for, when and by whom
 * it was signed. The vendor documents no schema, so names are judged by how they begin.
 */
const PERSONAL =
  /^(reference|serial|purchase|order|holder|owner|customer|contact|name|company|address|city|zip|country|e-?mail|phone|signature|checksum|activat|issue|created)/i;

/** The names and texts of a licence that must be equal on every node (G2; procedure, rule 11). */
export function printOfLicence(xml: string): LicencePrint {
  const terms = leavesOf(xml).filter(({ path }) => !path.some((name) => PERSONAL.test(name)));
  const lines = terms.map(({ path, text }) => `${path.join('/')}=${text}`).sort();
  const texts = (tag: string): string[] =>
    terms.filter(({ path }) => path.at(-1)?.toLowerCase() === tag).map(({ text }) => text);
  return {
    fingerprint: createHash('sha256').update(lines.join('\n')).digest('hex'),
    summary: [...texts('item').sort(), ...texts('licensetype')].join(' ').slice(0, 300) || 'no modules named',
  };
}

/**
 * The elements with text, in order. Reads what a licence is made of: elements, attributes, comments, the five named and
 * the numeric entities. A document type, where entities could be defined, is refused.
 *
 * @throws RolloutError LICENCE_UNREADABLE.
 */
export function leavesOf(xml: string): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const open: { name: string; attributes: string; text: string }[] = [];
  let from = 0;
  for (const match of xml.matchAll(/<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<(!?)(\/?)([\w:.-]*)([^<>]*?)(\/?)>/g)) {
    const [all, declaration, closing, name, attributes = '', empty] = match;
    const element = open.at(-1);
    if (element !== undefined) element.text += decode(xml.slice(from, match.index));
    from = match.index + all.length;
    if (name === undefined) continue;
    if (declaration === '!' || name === '') throw unreadable();
    if (closing !== '/') open.push({ name, attributes: attributes.trim(), text: '' });
    if (closing !== '/' && empty !== '/') continue;
    const ended = open.pop();
    if (ended?.name !== name) throw unreadable();
    const text = [ended.attributes, ended.text.trim()].filter((part) => part !== '').join(' ');
    if (text !== '') leaves.push({ path: [...open.map((one) => one.name), name], text });
  }
  if (open.length > 0 || xml.slice(from).includes('<')) throw unreadable();
  return leaves;
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, (_, entity: string) => {
    if (!entity.startsWith('#')) {
      const character = NAMED[entity];
      if (character === undefined) throw unreadable();
      return character;
    }
    const hexadecimal = entity[1]?.toLowerCase() === 'x';
    const code = parseInt(entity.slice(hexadecimal ? 2 : 1), hexadecimal ? 16 : 10);
    if (code > 0x10ffff) throw unreadable();
    return String.fromCodePoint(code);
  });
}

function unreadable(): RolloutError {
  return new RolloutError('LICENCE_UNREADABLE', 'the licence is not the XML that was expected');
}
