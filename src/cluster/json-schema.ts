import { z } from 'zod';

import { clusterSchema } from './schema.js';

/** The cluster file's JSON Schema, for editors that complete and check while one types. */
export function clusterJsonSchema(): object {
  return {
    ...z.toJSONSchema(clusterSchema, { io: 'input', unrepresentable: 'any' }),
    title: 'icewarp-rollout cluster file',
  };
}
