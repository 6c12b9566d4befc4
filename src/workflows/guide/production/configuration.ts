import type { Runner } from '../../runner.js';
import { configurationFolders, databaseSettings, directorySettings } from '../first-node-settings.js';
import { knowsItsConfiguration } from '../joining.js';
import { pathDatOf } from '../path-dat.js';
import type { Prepared } from '../production.js';
import { probeNodeAlone } from '../probes.js';
import { staysTrue } from '../stays-true.js';
import { startServices, stopServices, type First } from './stop.js';
import { catchUpWith, finalPass, prepareTrees } from './storage.js';

const about = { title: 'path.dat: on the shared configuration', guide: 'G17 G18 G20 G21' };

/** Seconds in which a configuration is copied and compared: it is small. */
const COPY = 30;

/** Whether the node still works on a configuration of its own. */
export function configurationMoves(run: Runner, { file, node, spec }: First): Promise<boolean> {
  return run.wouldChange('pathDat', node, pathDatOf(file, spec.id), about);
}

/** What the stages before this one write. */
function written({ file }: First): Parameters<typeof staysTrue>[3] {
  return [...databaseSettings(file), ...directorySettings(file)];
}

/** While users work: what the configuration names that other nodes do not have (B11). */
export async function prepareConfiguration(run: Runner, first: First): Promise<Prepared> {
  await staysTrue(run, first, first.node, written(first), { label: 'paths', foreseen: true });
  const { seconds, ...prepared } = await prepareTrees(run, first, ['calendar']);
  return { ...prepared, seconds: seconds === null ? null : seconds + COPY };
}

/** Once more, right before the stop. */
export async function catchUpAgain(run: Runner, first: First): Promise<void> {
  await catchUpWith(run, first, ['calendar']);
  await staysTrue(run, first, first.node, written(first), { label: 'paths-again', foreseen: true });
}

/** The configuration becomes everybody's: copied once, then path.dat leads there (G20, G23; step 11). */
export async function moveConfiguration(run: Runner, first: First): Promise<void> {
  const { file, node, spec } = first;
  const { directory } = file.icewarp;
  const { uid, gid, mount } = file.share;
  const to = configurationFolders(file);
  if (await configurationMoves(run, first)) await stopServices(run, first, 'configuration');
  await finalPass(run, first, 'calendar');
  await run.step(
    'sharedConfiguration',
    node,
    { directory, to, mount, cluster: file.name, node: node.name, uid, gid, calendarByPasses: true },
    { title: 'configuration copied to the share, once', guide: 'G20 G23' },
  );
  await run.switched();
  await run.step('pathDat', node, pathDatOf(file, spec.id), about);
  await startServices(run, first, 'shared');
  await knowsItsConfiguration(run, first, node);
  await probeNodeAlone(run, first, spec, 'configuration');
}
