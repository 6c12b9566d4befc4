import { lstatSync } from 'node:fs';

import { TaskFailed } from './executors.js';
import { touch, type Folder } from './folders.js';
import { inodeOf, nameKey, ofInode, TABLE, whole } from './ledger-keys.js';
import { join, toFs, under, type ByteName } from './names.js';
import type { Pass, PassContext } from './pass.js';
import { putOffEntry } from './put-off.js';
import { readRow, ROW_SIZE, sameIdentity, writeRow } from './row.js';
import { sourceFacts } from './source-facts.js';
import type { LinkName } from './tidy.js';
import { isMoved } from './unit.js';
import type { Entry } from './work.js';

type Place = LinkName['leader'];

interface Name {
  readonly folder: Folder;
  readonly entry: Entry;
}

/**
 * Files with several names (R13): the first name is copied, the others become names of that copy. Where the destination
 * has no such names each is copied.
 *
 * @returns names that were linked.
 */
export async function linkTogether(context: PassContext, pass: Pass): Promise<number> {
  const { ledger, rules, stopped } = context;
  ledger.commit();
  let linked = 0;
  let group: Name[] = [];
  let inode: bigint | undefined;
  const all = [...ledger.range(whole(TABLE.linkWaits))].map(({ key, value }) => ({
    key: Buffer.from(key),
    value: Buffer.from(value),
  }));
  // durable before the first one: a kill leaves a temporary name where a link was being made
  const intents = [...new Set(all.map(({ key }) => inodeOf(key).folder))].map((folder) =>
    nameKey(TABLE.intent, folder, 'links'),
  );
  for (const intent of intents) ledger.put(intent, Buffer.alloc(0));
  if (intents.length > 0) await ledger.durable();
  // what is carried out once must not be met again, with rows that are old by then
  ledger.clear(TABLE.linkWaits);
  for (const { key, value } of all) {
    if (stopped()) return linked;
    const at = inodeOf(key);
    if (inode !== undefined && at.inode !== inode) {
      linked += await carryOut(context, pass, group);
      group = [];
    }
    inode = at.inode;
    const name = { folder: pass.folder(at.folder), entry: putOffEntry(at.name, value) };
    if (rules.hardLinks && name.entry.kind === 'file') group.push(name);
    else pass.submit(name.folder, [name.entry]);
  }
  linked += await carryOut(context, pass, group);
  await pass.copier.idle();
  if (!stopped()) for (const intent of intents) ledger.remove(intent);
  return linked;
}

async function carryOut(context: PassContext, pass: Pass, names: readonly Name[]): Promise<number> {
  const { ledger } = context;
  const there = nameThatIsThere(context, pass, names);
  if (there !== undefined) return linkAll(context, pass, there.leader, names, there.row);
  // one that is at the destination already is the best to begin with
  const [leader, ...others] = [...names].sort((a, b) => rank(a.entry) - rank(b.entry));
  if (leader === undefined) return 0;
  pass.submit(leader.folder, [leader.entry]);
  await pass.copier.idle();
  const row = ledger.get(nameKey(TABLE.file, leader.folder.id, leader.entry.name));
  // it was skipped: the others speak for themselves
  if (row === undefined || readRow(row).ino !== leader.entry.facts.ino) {
    for (const { folder, entry } of others) pass.submit(folder, [entry]);
    return 0;
  }
  const now = Buffer.from(row);
  const place = { path: leader.folder.path, name: leader.entry.name };
  return linkAll(context, pass, place, [...others, ...unmetNames(context, pass, names)], now);
}

async function linkAll(
  context: PassContext,
  pass: Pass,
  leader: Place,
  others: readonly Name[],
  row: Buffer,
): Promise<number> {
  let linked = 0;
  for (const other of others) if (await linkOne(context, pass, leader, other, row)) linked += 1;
  return linked;
}

/** A further name of the same file that needs no copying any more: an earlier pass, or this one before a kill, did it. */
function nameThatIsThere(
  { ledger }: PassContext,
  pass: Pass,
  names: readonly Name[],
): { leader: Place; row: Buffer } | undefined {
  const facts = names[0]?.entry.facts;
  if (facts === undefined) return undefined;
  const waiting = new Set(names.map(({ folder, entry }) => `${folder.id}/${entry.name}`));
  for (const { key } of ledger.range(ofInode(TABLE.link, facts.ino))) {
    const { folder, name } = inodeOf(key);
    const row = ledger.get(nameKey(TABLE.file, folder, name));
    if (waiting.has(`${folder}/${name}`) || row === undefined || !sameIdentity(row, facts)) continue;
    return { leader: { path: pass.folder(folder).path, name }, row: Buffer.from(row) };
  }
  return undefined;
}

function rank({ why }: Entry): number {
  return why === 'check' ? 0 : why === 'changed' ? 1 : 2;
}

/** Further names of the same file in which the walk saw no change, since it came before the change. */
function unmetNames({ ledger, source }: PassContext, pass: Pass, met: readonly Name[]): Name[] {
  const inode = met[0]?.entry.facts.ino ?? 0n;
  const unmet: Name[] = [];
  for (const { key } of [...ledger.range(ofInode(TABLE.link, inode))]) {
    const { folder: id, name } = inodeOf(key);
    const value = ledger.get(nameKey(TABLE.file, id, name));
    if (value === undefined || readRow(value).ino !== inode) continue;
    if (met.some((one) => one.folder.id === id && one.entry.name === name)) continue;
    const row = Buffer.from(value);
    const folder = pass.folder(id);
    const path = toFs(under(source, join(folder.path, name)));
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats?.ino !== inode) continue;
    unmet.push({ folder, entry: { name, kind: 'file', why: 'check', facts: sourceFacts(stats), place: 'asked', row } });
  }
  return unmet;
}

async function linkOne(
  { ledger, executor, skipped }: PassContext,
  pass: Pass,
  leader: Place,
  { folder, entry }: Name,
  leaderRow: Buffer,
): Promise<boolean> {
  const row = readRow(leaderRow);
  const path: ByteName = join(folder.path, entry.name);
  const link = {
    leader,
    path: folder.path,
    name: entry.name,
    free: folder.row?.made === 'own' && folder.row.generation === ledger.meta().generation,
    ...(entry.row === undefined ? {} : { row: entry.row }),
  };
  let isLinked: boolean;
  try {
    const { is, code } = await executor.run({ task: 'link', link });
    if (code === 'APART') {
      pass.submit(folder, [entry]);
      return false;
    }
    if (is !== 'done') {
      skipped.add(path, code === 'FOREIGN' ? 'FOREIGN' : 'DEST_CHANGED', 'something else by that name is there');
      return false;
    }
    isLinked = code === 'ALREADY';
  } catch (error) {
    if (!(error instanceof TaskFailed)) throw error;
    // A folder that somebody removed is made again with a copy in it. Else the next pass links it: a copy of its own
    // would stay one.
    if (isMoved(error.code)) pass.submit(folder, [entry]);
    else skipped.add(path, 'FAILED', error.code);
    return false;
  }
  if (!isLinked) touch(ledger, folder);
  const { ctime } = entry.facts;
  const mine = Buffer.alloc(ROW_SIZE);
  writeRow(mine, 0, { ...row, ctime });
  pass.copier.results.keep(folder, entry.name, mine, entry.row, isLinked ? 'same' : 'linked');
  ledger.commit();
  return !isLinked;
}
