import type { Chapter } from './chapter.js';

/** What is moved, by a rollout or by the copy engine alone; and the lab. */
export const ABOUT_TREES: readonly Chapter[] = [
  {
    title: 'What is moved to the share',
    mail: 'The old mail is where it was, untouched. Services that are stopped stay stopped; other servers keep mail for them and try again.',
    entries: {
      ACCOUNTS_PRESENT: {
        means: 'IceWarp on this node has accounts or mail of its own, which the cluster would not know.',
        mail: 'Nothing: that server goes on with its own accounts.',
      },
      ACCOUNTS_STRANDED: {
        means:
          'On the way back: the cluster’s accounts database holds accounts that the rollout did not make, and the former one does not have them. Their mail would be refused with 550.',
        mail: 'The services are stopped: nobody is refused, and other servers keep their mail and try again.',
      },
      QUEUE_FOREIGN: {
        means:
          'The new folder of a queue holds messages that do not wait in the old one. Services have sent them since they were copied, or somebody put them there: sent from the new folder, they might arrive twice.',
        mail: 'Nothing is lost: the messages wait. Some may be sent twice if both folders are sent from.',
      },
      QUEUE_NOT_EMPTY: {
        means:
          'Messages wait in queues that are about to be left behind: copied, they would be sent twice; left, never.',
        mail: 'Nothing is lost: the messages wait in their queues.',
      },
      COPY_INCOMPLETE: {
        means:
          'Something could not be copied to the share, or not be taken away from it again; a file on the node lists each item with its reason.',
      },
      COPY_DIFFERS: { means: 'A copy on the share is not what the original is.' },
      SKIPPED_UNAPPROVED: {
        means:
          'At the final pass some items cannot be moved, and nobody has approved of exactly this list: none was approved, or it has changed since. The message has its hash, the reasons with their counts, and the file on the node that lists all. Services are stopped; nothing was switched.',
      },
      TOO_MUCH_GONE: {
        means:
          'On the way back: users, or something else, have deleted more on the share than is taken out of the old tree without being asked. New and changed files are back already, nothing was deleted.',
        mail: 'Whatever was new or changed is back; what was deleted on the share is still in the old tree.',
      },
      MAIL_MISSING: {
        means:
          'A node does not see the old mail as it was before the move: a mailbox holds less, or a sampled file is missing or differs. Its services are still stopped. All losses are in the file named there, on that node.',
      },
      CONFIG_EMPTY: {
        means: 'The configuration that shall be used holds no settings: starting would answer 550 to real mail.',
        mail: 'Prevented: a server without settings refuses mail for real users for good (550). Its services stay stopped; other servers try again.',
      },
      CONFIG_DEFAULTED: {
        means: 'IceWarp took its default configuration instead of the shared one; it was stopped again.',
        mail: 'A server on defaults refuses mail for real users for good (550), and may have done so for the moment that it ran. It is stopped; other servers try again.',
      },
      CONFIG_FOREIGN: { means: 'The shared folder holds files that are no unused copy of this rollout’s first node.' },
      STATE_DAMAGED: { means: 'A note that the agent keeps about its own work cannot be read.' },
    },
  },
  {
    title: 'The transfer of a tree',
    mail: 'Nothing: except by `transfer reverse`, the source is only read, and whoever uses it goes on.',
    entries: {
      LEDGER_BUSY: { means: 'Another transfer uses this ledger; the message names its process and since when.' },
      LEDGER_DAMAGED: { means: 'The ledger, or a file beside it, cannot be read.' },
      LEDGER_OLDER: {
        means: 'The ledger was restored from a backup: the destination has gone on since. Nothing was written.',
      },
      NO_FINAL_PASS: {
        means: 'The way back starts from a final pass, and the last pass of this ledger was none that ended well.',
      },
      LEDGER_FULL: {
        means:
          'The disk of the ledger has no room left. Nothing more is written to the destination before there is some.',
      },
      LEDGER_OTHER: { means: 'The ledger belongs to another pair of folders.' },
      DESTINATION_OTHER: {
        means:
          'The destination does not bear the mark of this ledger: another share, an unmounted one, or files of somebody else. Nothing was written.',
      },
      DESTINATION_OLDER: {
        means:
          'The destination is older than the ledger: it was restored from a snapshot or backup, and what was copied since is missing. Nothing was written.',
      },
      DESTINATION_BUSY: {
        means:
          'Another transfer, perhaps from another machine, writes to this destination; the message names it and its lease file.',
      },
      SOURCE_MISSING: { means: 'The source is not there, or is no folder.' },
      SOURCE_NOT_QUIET: {
        means: 'Something changed in the source during the final pass.',
        mail: 'What changed in those moments may be missing at the destination: do not switch to it.',
      },
      SHARE_HANGS: {
        means: 'The share does not answer, so the process that copies cannot be ended; the message names it.',
      },
      ENGINE_DIED: { means: 'The process that copies ended by itself, or was killed.' },
      NO_ROOM: { means: 'The destination has no room left: bytes, files or quota.' },
    },
  },
  {
    title: 'The lab',
    mail: 'Nothing: a lab serves nobody.',
    entries: {
      LAB_ROOT: { means: 'The lab needs root on Linux.' },
      LAB_STATE: { means: 'There is no lab in that folder, only its remains, or something else.' },
      LAB_FAILED: { means: 'A part of the lab did not start.' },
      TEMPORAL_MISSING: { means: 'The program `temporal` is neither on PATH nor in the product’s cache folder.' },
    },
  },
];
