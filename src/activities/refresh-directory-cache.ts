import { Tool } from '../icewarp/tool.js';
import { REFRESH_DIRECTORY_CACHE } from '../icewarp/variables.js';
import type { Procedure } from './resource.js';

/**
 * Asks IceWarp to count all folders anew, because files were copied beside it (B3). It only schedules that work (rule
 * 8); asked twice it is still one walk that matters. Has no inverse: counts are made from what is there.
 *
 * @throws RolloutError TOOL_FAILED when it is refused.
 */
export const refreshDirectoryCache: Procedure<{ readonly directory: string }, { readonly asked: boolean }, 'node'> = {
  place: 'node',
  changes: 'forward',
  async run({ directory }, { signal }) {
    const tool = new Tool(directory, signal);
    // versions without a directory cache have nothing to refresh
    if ((await tool.find(REFRESH_DIRECTORY_CACHE)) === undefined) return { asked: false };
    await tool.set(REFRESH_DIRECTORY_CACHE, '1');
    return { asked: true };
  },
};
