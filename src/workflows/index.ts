export { migrateTree } from './migrate-tree.js';
export { plan } from './plan.js';
export { rollout } from './rollout.js';
