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

/** Characters: what is longer is no licence. */
const LONGEST = 1_000_000;
/** Elements within one another. */
const DEEPEST = 50;

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
  if (xml.length > LONGEST) throw unreadable();
  let from = 0;
  for (let at = xml.indexOf('<'); at >= 0; at = xml.indexOf('<', from)) {
    const element = open.at(-1);
    if (element !== undefined) element.text += decode(xml.slice(from, at));
    const markup = markupAt(xml, at);
    from = markup.end;
    if (markup.tag === null) continue;
    const [, closing, name = '', attributes = '', empty] = TAG.exec(markup.tag) ?? [];
    // a document type has a name that begins with "!"
    if (name === '') throw unreadable();
    if (closing !== '/') open.push({ name, attributes: attributes.trim(), text: '' });
    if (open.length > DEEPEST) throw unreadable();
    if (closing !== '/' && empty !== '/') continue;
    const ended = open.pop();
    if (ended?.name !== name) throw unreadable();
    const text = [ended.attributes, ended.text.trim()].filter((part) => part !== '').join(' ');
    if (text !== '') leaves.push({ path: [...open.map((one) => one.name), name], text });
  }
  if (open.length > 0) throw unreadable();
  return leaves;
}

/** What stands between `<` and `>`. */
const TAG = /^(\/?)([\w:.-]+)([^<>]*?)(\/?)$/;

/** One piece of markup; `tag` is null for a comment or an instruction. Each character is looked at once, however hostile. */
function markupAt(xml: string, at: number): { readonly end: number; readonly tag: string | null } {
  for (const [begin, finish] of [
    ['<!--', '-->'],
    ['<?', '?>'],
  ] as const) {
    if (!xml.startsWith(begin, at)) continue;
    const found = xml.indexOf(finish, at + begin.length);
    if (found < 0) throw unreadable();
    return { end: found + finish.length, tag: null };
  }
  const found = xml.indexOf('>', at);
  const tag = xml.slice(at + 1, found);
  if (found < 0 || tag.includes('<')) throw unreadable();
  return { end: found + 1, tag };
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, (_, entity: string) => {
    if (!entity.startsWith('#')) {
      if (!Object.hasOwn(NAMED, entity)) throw unreadable();
      return NAMED[entity] ?? '';
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
