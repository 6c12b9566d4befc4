/** The lab's public face: what the commands `lab up|down|status`, the demo and the tests use. */
export { Lab, type LabTemporal } from './handle.js';
export { labDown, type LabDownOptions } from './lab-down.js';
export { labStatus, type LabPart, type LabStatus } from './lab-status.js';
export { labUp, type LabUpOptions, openLab } from './lab-up.js';
export * from './layout.js';
export { checkLoad, type CheckAnswer, type Store, storeOfA, storeOfShare } from './load/check.js';
export { loadDaemon, startLoad, stopLoad, takeLater, type Target, targetLoad } from './load/load.js';
export { OLD_MAILBOX, OLD_MESSAGES } from './old-mail.js';
export { shareElsewhere } from './production/elsewhere.js';
export { DEFAULT_SIZE, type OldServerSize } from './production/old-server.js';
export { productionOf } from './production/production.js';
export { Machine } from './machine.js';
export { LAB_FILE } from './standin/machine.js';
