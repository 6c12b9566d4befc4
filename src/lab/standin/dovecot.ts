import { chownSync, mkdirSync, writeFileSync } from 'node:fs';

import type { Row } from './database.js';
import type { Installation } from './installation.js';
import { mailboxFolder, ownPath } from './mailbox-folder.js';
import { mailPath, type Server } from './server.js';

/** Everything that Dovecot keeps for this node: configuration, sockets, indexes. */
export function dovecotFolder(installation: Installation): string {
  return `${installation.runPath}dovecot/`;
}

/** The socket on which the service answers Dovecot's look-ups of passwords and quotas. */
export function accountsSocket(installation: Installation): string {
  return `${dovecotFolder(installation)}accounts.socket`;
}

/**
 * Writes the configuration of the node's own Dovecot (IMAP and POP3) from the settings in force and returns its path.
 *
 * Deviation from IceWarp's store: a message lies in `<mail>/<domain>/<mailbox>/inbox/new|cur/` instead of directly in
 * `inbox/`, because that is the layout Dovecot reads. Indexes are local to the node (two nodes would corrupt shared
 * ones); UIDs come from `dovecot-uidlist` beside the mail, so all nodes give the same ones. IMAP's quota tells what the
 * directory cache counts: that IceWarp's does is UNCONFIRMED.
 */
export function writeDovecotConfig(server: Server): string {
  const { installation, machine } = server;
  const home = dovecotFolder(installation);
  for (const part of ['run', 'state', 'index']) mkdirSync(`${home}${part}`, { recursive: true });
  const { name, uid, gid } = installation.processUser;
  if (process.getuid?.() === 0) chownSync(`${home}index`, uid, gid);
  const accounts = writeAccountsConfig(installation);
  const file = `${home}dovecot.conf`;
  const text = `
base_dir = ${home}run
state_dir = ${home}state
instance_name = icewarp-${installation.directory.replaceAll('/', '_')}
log_path = ${home}dovecot.log
protocols = imap pop3
listen = ${machine.address}
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
login_greeting = IceWarp stand-in (lab)
mail_location = ${mailLocation(server, `${mailPath(server)}%d/%n/`, '%d/%n')}
mail_attribute_dict = proxy:${accountsSocket(installation)}:attributes
mailbox_list_index = no
mail_save_crlf = yes
mail_plugins = quota
plugin {
  quota = dict:User quota::proxy:${accountsSocket(installation)}:quota
  quota_rule = *:storage=1G:messages=1000000
}
protocol imap {
  mail_plugins = quota imap_quota
  imap_metadata = yes
}
first_valid_uid = 1
passdb {
  driver = dict
  args = ${accounts}
}
userdb {
  # those whose look-up of the password told their place
  driver = prefetch
}
userdb {
  driver = static
  args = uid=${uid} gid=${gid} home=${mailPath(server)}%d/%n allow_all_users=yes
}
service auth {
  user = ${name}
}
service auth-worker {
  user = ${name}
  unix_listener auth-worker {
    user = ${name}
  }
}
service imap-login {
  inet_listener imap {
    port = ${machine.ports.imap}
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3 {
    port = ${machine.ports.pop3}
  }
  inet_listener pop3s {
    port = 0
  }
}
service anvil {
  # No penalty per client address: in a lab all clients share a few addresses.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
`;
  writeFileSync(file, text, { mode: 0o644 });
  return file;
}

function mailLocation({ installation }: Server, home: string, name: string): string {
  return `maildir:${home}inbox:INDEX=${dovecotFolder(installation)}index/${name}`;
}

/** What Dovecot has to know of an account whose mailbox is outside of the mail folder. */
export function placeOf(server: Server, account: Row): Readonly<Record<string, string>> {
  if (ownPath(account['path']) === '') return {};
  const { uid, gid } = server.installation.processUser;
  const home = mailboxFolder(server, account);
  return {
    userdb_uid: String(uid),
    userdb_gid: String(gid),
    userdb_home: home,
    userdb_mail: mailLocation(server, home, `${account['domain']}/${account['mailbox']}`),
  };
}

/** Where Dovecot asks for passwords. */
function writeAccountsConfig(installation: Installation): string {
  const file = `${dovecotFolder(installation)}accounts.conf`;
  const text = `
uri = proxy:${accountsSocket(installation)}:accounts
iterate_disable = yes
default_pass_scheme = SSHA512
key passdb {
  key = %u
  format = json
}
passdb_objects = passdb
userdb_objects =
`;
  writeFileSync(file, text, { mode: 0o644 });
  return file;
}
