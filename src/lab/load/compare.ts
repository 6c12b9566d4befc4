import type { Expectation, Expected, Leaving, State } from './expected.js';
import type { Found, Queued, Shown } from './look.js';

/** Something that is not as it has to be. */
export interface Problem {
  readonly what:
    | 'lost'
    | 'twice'
    | 'flags'
    | 'folder'
    | 'returned'
    | 'stranger'
    | 'content'
    | 'uid-validity'
    | 'remark'
    | 'outside-lost'
    | 'outside-twice'
    | 'in-queue'
    | 'bounced'
    | 'attachment';
  /** Where it was looked for: IMAP of a node, a disk, the archive, outside. */
  readonly where: string;
  /** The message, mailbox or file. */
  readonly name: string;
  readonly detail: string;
}

/** Compares the messages of all mailboxes with what has to be there. */
export function compareMessages(
  where: string,
  expected: Pick<Expectation, 'messages'>,
  hashes: ReadonlyMap<string, string>,
  found: readonly Found[],
): Problem[] {
  const byId = groupBy(found, ({ id }) => id);
  const problems: Problem[] = [];
  for (const [id, message] of expected.messages) {
    const problem = judge(message, byId.get(id) ?? [], hashes.get(id));
    if (problem !== undefined) problems.push({ where, name: id, ...problem });
  }
  for (const [id, [one]] of byId) {
    if (expected.messages.has(id)) continue;
    problems.push({ what: 'stranger', where, name: id, detail: `in ${one?.user}/${one?.folder}, and nobody sent it` });
  }
  return problems;
}

function judge(
  { user, there, states, halfMoved }: Expected,
  found: readonly Found[],
  hash: string | undefined,
): Pick<Problem, 'what' | 'detail'> | undefined {
  const present = states.filter((state) => state !== 'gone');
  const [one, other] = found;
  if (one === undefined) {
    const mayBeGone = there !== 'always' || present.length < states.length;
    return mayBeGone ? undefined : { what: 'lost', detail: `expected in ${user}: ${shownStates(states)}` };
  }
  if (there === 'never') return { what: 'returned', detail: `in ${places(found)}, although it was not taken` };
  if (present.length === 0) return { what: 'returned', detail: `in ${places(found)}, although it was deleted` };
  const isHalfMoved = halfMoved && found.length === 2 && one.folder !== other?.folder;
  if (found.length > 1 && !isHalfMoved) return { what: 'twice', detail: `in ${places(found)}` };
  for (const each of found) {
    if (hash !== undefined && each.hash !== hash)
      return { what: 'content', detail: `not as it was, in ${places([each])}` };
    const where = present.filter(({ folder }) => folder === each.folder && each.user === user);
    if (where.length === 0) return { what: 'folder', detail: `in ${places([each])}, expected ${shownStates(states)}` };
    if (where.every(({ flags }) => flags.join(' ') !== each.flags.join(' '))) {
      return { what: 'flags', detail: `has (${each.flags.join(' ')}), expected ${shownStates(states)}` };
    }
  }
  return undefined;
}

/** Compares what a mailbox has besides messages. */
export function compareMailbox(where: string, { folders, remarks }: Expectation, shown: Shown): Problem[] {
  const problems: Problem[] = [];
  for (const [folder, uidValidity] of shown.folders) {
    const name = `${shown.user}/${folder}`;
    const before = folders.get(name);
    if (before === undefined || before === uidValidity) continue;
    problems.push({ what: 'uid-validity', where, name, detail: `is ${uidValidity}, was ${before}` });
  }
  const allowed = remarks.get(shown.user);
  if (allowed !== undefined && !allowed.includes(shown.remark)) {
    const detail = `is "${shown.remark}", expected "${allowed.join('" or "')}"`;
    problems.push({ what: 'remark', where, name: `${shown.user}/INBOX`, detail });
  }
  return problems;
}

/** Compares what has left with what has to: each message once, here or on its way. */
export function compareLeaving(
  leaving: ReadonlyMap<string, Leaving>,
  arrived: readonly string[],
  queued: readonly Queued[],
): Problem[] {
  const count = groupBy(arrived, (id) => id);
  const waiting = groupBy(queued, ({ id }) => id);
  const problems: Problem[] = [];
  for (const [id, { there }] of leaving) {
    const came = count.get(id)?.length ?? 0;
    const waits = waiting.get(id)?.length ?? 0;
    const where = 'outside';
    if (came + waits === 0 && there === 'always')
      problems.push({ what: 'outside-lost', where, name: id, detail: 'never came' });
    if (came + waits > (there === 'never' ? 0 : 1)) {
      problems.push({ what: 'outside-twice', where, name: id, detail: `came ${came} times, waits ${waits} times` });
    }
  }
  return problems;
}

/** Values by what they have in common. */
function groupBy<T>(values: readonly T[], key: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(key(value));
    if (group === undefined) groups.set(key(value), [value]);
    else group.push(value);
  }
  return groups;
}

function shownStates(states: readonly State[]): string {
  const shown = states.map((state) => (state === 'gone' ? 'gone' : `${state.folder} (${state.flags.join(' ')})`));
  return [...new Set(shown)].join(' or ');
}

const places = (found: readonly Found[]): string => found.map(({ user, folder }) => `${user}/${folder}`).join(', ');
