/** Characters that some servers of shares hold in no name, or change into others. */
export const ODD_CHARACTERS = [':', '*', '?', '"', '<', '>', '|', '\\', '\n', '\t'] as const;
export type OddCharacter = (typeof ODD_CHARACTERS)[number];

/** What a folder on a share does with names. */
export interface HeldNames {
  /** Bytes of the longest name that it holds. */
  readonly longest: number;
  /** Odd characters that it refuses or changes. */
  readonly refused: readonly OddCharacter[];
  /** Names that end with a dot or a space. */
  readonly ends: boolean;
  /** Names that are no UTF-8. */
  readonly bytes: boolean;
  /** Names that differ by case only, or by Unicode normal form only, are one. */
  readonly foldsCase: boolean;
  readonly foldsForm: boolean;
}

/** What the names of a tree ask of the folder that takes them: how many of each kind, and none of them. */
export interface NamesThere {
  readonly longest: number;
  readonly odd: Readonly<Partial<Record<OddCharacter, number>>>;
  readonly ends: number;
  readonly bytes: number;
  /** Names whose folder holds another one that differs by case only, or by normal form only. */
  readonly sameButCase: number;
  readonly sameButForm: number;
}

/** Why a folder does not take the names of a tree, with how many they are; empty when it does. Pure. */
export function unfitNames(there: NamesThere, held: HeldNames): string[] {
  const reasons = held.refused.map((character) => ({
    count: there.odd[character] ?? 0,
    why: `names with ${JSON.stringify(character)} are refused or changed`,
  }));
  if (there.longest > held.longest) {
    reasons.push({
      count: 1,
      why: `names over ${held.longest} bytes are refused, and the longest has ${there.longest}`,
    });
  }
  if (!held.ends)
    reasons.push({ count: there.ends, why: 'names that end with a dot or a space are refused or changed' });
  if (!held.bytes) reasons.push({ count: there.bytes, why: 'names that are no UTF-8 are refused or changed' });
  if (held.foldsCase) reasons.push({ count: there.sameButCase, why: 'names that differ by case only are one' });
  if (held.foldsForm) reasons.push({ count: there.sameButForm, why: 'names that differ by normal form only are one' });
  return reasons.filter(({ count }) => count > 0).map(({ count, why }) => `${why} (${count} here)`);
}

/** Gathers what the names of a tree ask, from the bytes of each path, folders before what is in them. */
export class NamesSeen {
  #longest = 0;
  readonly #odd: Partial<Record<OddCharacter, number>> = {};
  #ends = 0;
  #bytes = 0;
  #sameButCase = 0;
  #sameButForm = 0;
  /** The folders of the branch that is walked, with the folded names seen in each. */
  readonly #branch: { readonly folder: string; readonly cases: Set<string>; readonly forms: Set<string> }[] = [];

  get there(): NamesThere {
    return {
      longest: this.#longest,
      odd: { ...this.#odd },
      ends: this.#ends,
      bytes: this.#bytes,
      sameButCase: this.#sameButCase,
      sameButForm: this.#sameButForm,
    };
  }

  /** @param path one character per byte, from the root of the tree. */
  see(path: string): void {
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    this.#longest = Math.max(this.#longest, name.length);
    for (const character of ODD_CHARACTERS) {
      if (name.includes(character)) this.#odd[character] = (this.#odd[character] ?? 0) + 1;
    }
    if (/[. ]$/.test(name)) this.#ends += 1;
    const text = utf8(name);
    if (text === null) this.#bytes += 1;
    this.#compare(slash < 0 ? '' : path.slice(0, slash), text ?? name);
  }

  #compare(folder: string, name: string): void {
    while (this.#branch.length > 0 && this.#branch.at(-1)?.folder !== folder) {
      // a deeper folder has ended; one that is not above begins
      if (!isAbove(this.#branch.at(-1)?.folder ?? '', folder)) this.#branch.pop();
      else break;
    }
    let place = this.#branch.at(-1);
    if (place?.folder !== folder) this.#branch.push((place = { folder, cases: new Set(), forms: new Set() }));
    const form = name.normalize('NFC');
    const byForm = place.forms.has(form);
    const folded = form.toLowerCase();
    if (byForm) this.#sameButForm += 1;
    else if (place.cases.has(folded)) this.#sameButCase += 1;
    place.forms.add(form);
    place.cases.add(folded);
  }
}

const isAbove = (folder: string, other: string): boolean => folder === '' || other.startsWith(`${folder}/`);

/** The text of bytes, one character each; null where they are no UTF-8. */
function utf8(bytes: string): string | null {
  try {
    return decodeURIComponent(escapedBytes(bytes));
  } catch {
    return null;
  }
}

function escapedBytes(bytes: string): string {
  return bytes.replace(/[^\0-$&-\x7f]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
