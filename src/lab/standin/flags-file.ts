import { closeSync, fchownSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';

import { isMissing } from './file-errors.js';
import type { SystemUser } from './system-user.js';

/** Bytes of a record: a folder's GUID, a blank, the remark, padding, a line end. */
const RECORD = 96;
const GUID = 32;

/** The longest remark, in bytes. */
export const LONGEST_REMARK = RECORD - GUID - 2;

/**
 * `flags.dat` of a mailbox. A real one holds flags of messages in a format that is not known; here Dovecot has those in
 * the messages' names, so the file holds the remark that a client gave each folder (IMAP METADATA). What counts is how
 * it is written: in place, at once durable, without any change of its size.
 */
export class FlagsFile {
  constructor(
    private readonly path: string,
    private readonly owner: SystemUser,
  ) {}

  /** The remark of the folder with that GUID; undefined without one. */
  get(guid: string): string | undefined {
    const at = this.find(guid);
    if (at === undefined) return undefined;
    const record = this.read().subarray(at + GUID + 1, at + RECORD - 1);
    const text = record.toString().trimEnd();
    return text === '' ? undefined : text;
  }

  /** Gives the folder a remark, or takes it away. @throws Error when it is too long. */
  set(guid: string, remark: string): void {
    const text = Buffer.from(remark);
    if (text.length > LONGEST_REMARK) throw new Error('the remark is too long');
    const record = Buffer.alloc(RECORD, ' ');
    record.write(guid, 0, GUID);
    text.copy(record, GUID + 1);
    record.write('\n', RECORD - 1);
    const at = this.find(guid);
    const file = openSync(this.path, at === undefined ? 'a' : 'r+', 0o600);
    try {
      writeSync(file, record, 0, RECORD, at ?? null);
      fdatasyncSync(file);
      if (at === undefined && process.getuid?.() === 0) fchownSync(file, this.owner.uid, this.owner.gid);
    } finally {
      closeSync(file);
    }
  }

  private find(guid: string): number | undefined {
    const data = this.read();
    for (let at = 0; at + RECORD <= data.length; at += RECORD) {
      if (data.toString('latin1', at, at + GUID) === guid) return at;
    }
    return undefined;
  }

  private read(): Buffer {
    try {
      return readFileSync(this.path);
    } catch (error) {
      if (isMissing(error)) return Buffer.alloc(0);
      throw error;
    }
  }
}
