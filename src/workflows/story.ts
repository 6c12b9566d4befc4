import type { Kind } from './runner.js';

/** What the plan tells about every step of a kind. */
export interface Story {
  /** How it is put back. */
  readonly undo: string;
  /** Expected seconds: an estimate for real machines, on the safe side. */
  readonly seconds: number;
  /** The kind without which it cannot be observed yet. */
  readonly after?: Kind;
}

export const STORY: Readonly<Record<Kind, Story>> = {
  database: { undo: 'dropped while it holds no table', seconds: 1 },
  databaseUser: { undo: 'our rights revoked; the user dropped if it was new', seconds: 1 },
  shareUser: { undo: 'removed if it was new; its files stay', seconds: 1 },
  shareAccount: { undo: 'removed from Samba if it was new', seconds: 2 },
  shareExport: { undo: 'smb.conf as it was, byte for byte', seconds: 2 },
  shareFolders: { undo: 'empty folders that are ours removed', seconds: 1 },
  osUser: { undo: 'removed if it was new; its files stay', seconds: 1 },
  mount: { undo: 'unmounted, our line taken out of fstab', seconds: 3, after: 'osUser' },
  mounted: { undo: 'changes nothing', seconds: 1 },
  localFolders: { undo: 'empty folders that are ours removed', seconds: 1 },
  installation: { undo: 'removed if it was new and holds no mail', seconds: 300 },
  licence: { undo: 'CANNOT be undone: a licence stays activated', seconds: 10, after: 'installation' },
  ports: { undo: 'closed ones opened; opened ones closed, because users may be on them', seconds: 1 },
  watchdog: { undo: 'as before', seconds: 3, after: 'installation' },
  settings: { undo: 'the former values', seconds: 5, after: 'installation' },
  tables: { undo: 'our tables dropped while they hold only what we put there', seconds: 20, after: 'installation' },
  databaseMove: {
    undo: 'our copies dropped; after users came, what they changed goes into a new file beside the old one',
    seconds: 300,
    after: 'installation',
  },
  mailAccounts: { undo: 'the accounts that we made are deleted', seconds: 5, after: 'installation' },
  oldMail: { undo: 'our copies removed; the old folder is never touched', seconds: 60, after: 'installation' },
  treeSeeded: { undo: 'our copies removed, unless users have worked with them', seconds: 1, after: 'installation' },
  treeFinal: {
    undo: 'the copy stays for the next pass; once users have worked with it, what they changed goes back',
    seconds: 60,
    after: 'installation',
  },
  mailQueues: { undo: 'what waits moves back; path.dat as it was', seconds: 20, after: 'installation' },
  sharedConfiguration: { undo: 'our copy removed while no node uses it', seconds: 20, after: 'installation' },
  pathDat: { undo: 'path.dat as it was, byte for byte', seconds: 5, after: 'installation' },
  phpIni: { undo: 'php.ini as it was, byte for byte', seconds: 1, after: 'installation' },
  services: { undo: 'stopped, or running as before', seconds: 60, after: 'installation' },
  autostart: { undo: 'as before', seconds: 1, after: 'installation' },
  balancer: { undo: 'haproxy.cfg as it was, byte for byte', seconds: 3 },
  admission: { undo: 'taken out of the balancer again', seconds: 3, after: 'balancer' },
  clientNames: { undo: 'held until you have put the records back', seconds: 3600 },
};
