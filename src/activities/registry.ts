import { admission } from './admission.js';
import { autostart } from './autostart.js';
import { balancer } from './balancer.js';
import { balancerAddresses } from './balancer-addresses.js';
import { clientNames } from './client-names.js';
import { collationClashes, collationLetters, collationWeights } from './collation.js';
import { database } from './database.js';
import { databaseDialect } from './database-dialect.js';
import { databaseLogin } from './database-login.js';
import { databasePreflight } from './database-preflight.js';
import { databaseUser } from './database-user.js';
import { installation } from './installation.js';
import { licence } from './licence.js';
import { licenceFacts } from './licence-facts.js';
import { localFolders } from './local-folders.js';
import { localPlaces } from './local-places.js';
import { mailAccounts } from './mail-accounts.js';
import { mailFound, shareInventory } from './mail-found.js';
import { mailQueues } from './mail-queues.js';
import { mailboxRoots, mailboxRootsSeen } from './mailbox-roots.js';
import { mount } from './mount.js';
import { mounted } from './mounted.js';
import { namesPreflight } from './names-preflight.js';
import { nodeFacts } from './node-facts.js';
import { nodePreflight } from './node-preflight.js';
import { nodesMeet } from './nodes-meet.js';
import { noteStages } from './note-stages.js';
import { oldMail } from './old-mail.js';
import { plantOldMessages, probeOldMessages, removeOldMessages } from './old-messages.js';
import { osUser, shareUser } from './os-user.js';
import { outsidePreflight } from './outside-preflight.js';
import { ownConnections } from './own-connections.js';
import { pathDat } from './path-dat.js';
import { pathScan } from './path-scan.js';
import { phpIni } from './php-ini.js';
import { probeBalancer } from './probe-balancer.js';
import { probeLockout } from './probe-lockout.js';
import { probeNode } from './probe-node.js';
import { probeOutside } from './probe-outside.js';
import { probePair } from './probe-pair.js';
import { probeQuota } from './probe-quota.js';
import { probeViews } from './probe-views.js';
import { redisAnswers } from './redis-answers.js';
import { refreshDirectoryCache } from './refresh-directory-cache.js';
import { restartServices } from './restart-services.js';
import { roomForMail } from './room-for-mail.js';
import { services } from './services.js';
import { settings } from './settings.js';
import { settleServices } from './settle-services.js';
import { shareAccount } from './share-account.js';
import { shareDelayAnswered, shareDelayAsked } from './share-delay.js';
import { shareExport } from './share-export.js';
import { shareFitness } from './share-fitness.js';
import { shareFolders } from './share-folders.js';
import { shareLockHeld, shareLockRefused } from './share-lock.js';
import { sharePreflight } from './share-preflight.js';
import { shareProof } from './share-proof.js';
import { shareSeen } from './share-seen.js';
import { sharedConfiguration } from './shared-configuration.js';
import { statePreflight } from './state-preflight.js';
import { tables } from './tables.js';
import { watchdog } from './watchdog.js';

/** Everything with a desired state that the product knows, by kind. */
export const resources = {
  database,
  databaseUser,
  shareUser,
  shareAccount,
  shareExport,
  shareFolders,
  osUser,
  mount,
  mounted,
  localFolders,
  installation,
  licence,
  watchdog,
  settings,
  tables,
  mailAccounts,
  oldMail,
  mailQueues,
  sharedConfiguration,
  pathDat,
  phpIni,
  services,
  autostart,
  balancer,
  admission,
  clientNames,
};
export type Resources = typeof resources;

/** Everything that acts or proves without a desired state, by name. */
export const procedures = {
  nodePreflight,
  nodesMeet,
  sharePreflight,
  databasePreflight,
  statePreflight,
  databaseDialect,
  mailboxRoots,
  mailboxRootsSeen,
  collationLetters,
  collationWeights,
  collationClashes,
  namesPreflight,
  outsidePreflight,
  databaseLogin,
  shareProof,
  shareSeen,
  shareLockHeld,
  shareLockRefused,
  shareFitness,
  shareDelayAsked,
  shareDelayAnswered,
  licenceFacts,
  nodeFacts,
  restartServices,
  settleServices,
  noteStages,
  probeNode,
  probePair,
  probeBalancer,
  probeLockout,
  roomForMail,
  pathScan,
  shareInventory,
  mailFound,
  plantOldMessages,
  probeOldMessages,
  removeOldMessages,
  probeViews,
  probeOutside,
  refreshDirectoryCache,
  probeQuota,
  localPlaces,
  balancerAddresses,
  ownConnections,
  redisAnswers,
};
export type Procedures = typeof procedures;
