import { REGISTRATION_FILE } from './installation.js';
import type { LabMachine } from './machine.js';

/** The service's start script, as the real installer registers it. */
export const SERVICE_SCRIPT = '/etc/init.d/icewarp';

/** The programs of an installation: path → text. Each is a thin wrapper around the compiled stand-in. */
export function installedScripts({ node, dist }: LabMachine, directory: string): Readonly<Record<string, string>> {
  const exec = (program: string): string => `exec '${node}' '${dist}/src/lab/standin/${program}.js' "$@"\n`;
  return {
    [`${directory}/tool`]: `#!/bin/sh\n${exec('tool')}`,
    [`${directory}/tool.sh`]: `#!/bin/sh\n. ${REGISTRATION_FILE}\nexec "$IWS_INSTALL_DIR/tool" "$@"\n`,
    [`${directory}/icewarpd.sh`]: `#!/bin/sh\n${exec('icewarpd')}`,
    [`${directory}/scripts/php.sh`]: '#!/bin/sh\nexec php "$@"\n',
    [`${directory}/html/_shared/api/api.php`]: apiWrapper([node, `${dist}/src/lab/standin/migrate.js`]),
    [SERVICE_SCRIPT]: serviceScript(directory),
  };
}

/**
 * A wrapper with the name of the vendor's class and the only function that is used of it. What that does is UNCONFIRMED:
 * see migration.ts.
 *
 * @param command does it, given its arguments on standard input.
 */
export function apiWrapper(command: readonly string[]): string {
  const words = command.map((word) => `'${word}'`).join(', ');
  return `<?php
class IceWarpAPI
{
  function MigrateDatabase($sourcedsn, $destdsn, $logfile, $index)
  {
    $pipes = array();
    $process = proc_open(array(${words}), array(0 => array('pipe', 'r')), $pipes);
    fwrite($pipes[0], json_encode(compact('sourcedsn', 'destdsn', 'logfile', 'index')));
    fclose($pipes[0]);
    return proc_close($process) === 0;
  }
}
`;
}

function serviceScript(directory: string): string {
  return `#!/bin/sh
### BEGIN INIT INFO
# Provides:          icewarp
# Required-Start:    $remote_fs $network
# Required-Stop:     $remote_fs $network
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: IceWarp stand-in of icewarp-rollout
### END INIT INFO
case "$1" in
  start) exec '${directory}/icewarpd.sh' --start ;;
  stop) exec '${directory}/icewarpd.sh' --stop all ;;
  restart | force-reload) exec '${directory}/icewarpd.sh' --restart all ;;
  status)
    pid=$(cat '${directory}/var/icewarpd.pid' 2>/dev/null)
    grep -qs '^${directory}/' "/proc/\${pid:-none}/cmdline" && echo "icewarp is running" && exit 0
    echo "icewarp is stopped"
    exit 3
    ;;
  *)
    echo "usage: $0 {start|stop|restart|force-reload|status}" >&2
    exit 2
    ;;
esac
`;
}
