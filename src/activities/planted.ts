import { open, rm } from 'node:fs/promises';

import { below, treeRoot, walkTree } from '../platform/tree.js';

/** The beginning of a message, in which its header is. */
const HEAD = 8 * 1024;
const HEADER = /^(From|Received|Return-Path|Delivered-To|Date|Subject|Message-ID):/im;
const OURS = /^Subject: icewarp-rollout /im;

/**
 * Takes the product's own messages out of a mailbox on disk: the whole mailbox where nothing else was ever in it, only
 * those messages where it holds somebody's mail.
 */
export async function removePlanted(mailbox: string, signal: AbortSignal): Promise<void> {
  const root = treeRoot(mailbox);
  const ours: Buffer[] = [];
  let others = 0;
  for await (const { path, kind } of walkTree(root, { signal })) {
    if (kind === 'folder') continue;
    const head = kind === 'file' ? await headOf(below(root, path)) : '';
    if (OURS.test(head)) ours.push(below(root, path));
    // what is no message, such as an index, goes with the mailbox; what is no file is not ours to judge
    else if (kind !== 'file' || HEADER.test(head)) others += 1;
  }
  if (others === 0) await rm(mailbox, { recursive: true, force: true });
  else for (const file of ours) await rm(file, { force: true });
}

async function headOf(path: Buffer): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}
