export { plan } from './plan.js';
export { rollout } from './rollout.js';
