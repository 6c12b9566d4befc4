import { HELD, type Chapter } from './chapter.js';

/** What is said, asked and agreed: before and beside the machines. */
export const ABOUT_THE_ROLLOUT: readonly Chapter[] = [
  {
    title: 'The cluster file and the command line',
    mail: 'Nothing: the command ended before it touched a mail server.',
    entries: {
      CLUSTER_FILE: {
        means: 'The cluster file cannot be read or breaks a rule; each problem comes with file:line:column.',
      },
      USAGE: {
        means: 'A command was called in a way that it does not know, or a plan cannot be saved where it was told to.',
      },
      PLAN_DRIFT: {
        means:
          'With `start --plan`: what would be done now is not what the saved plan says; the difference stands above. Nothing was changed.',
      },
      PLAN_OTHER: {
        means:
          'The saved plan cannot be read, is damaged, was edited, or is one of another cluster, another cluster file or another version; the message says which.',
      },
    },
  },
  {
    title: 'Names and clients',
    mail: 'Clients are served where their names lead them now; DNS is never changed by the product.',
    entries: {
      DNS_SILENT: { means: 'A DNS server does not answer, or refuses to; that there is no such name is an answer.' },
      CLIENTS_ELSEWHERE: {
        means:
          'A name that clients use does not lead to the balancer yet or, on the way back, not to where it led before. The message names each record and what to set; see [below](#the-clients-move-is-held).',
      },
    },
  },
  {
    title: 'Rules between machines',
    mail: HELD,
    entries: {
      PREFLIGHT_STOPS: {
        means: 'Something stands in the way, found before anything was changed (see [preflight](preflight.md)).',
        mail: 'Nothing: nothing has been changed yet.',
      },
      RULE_BROKEN: {
        means:
          'Nodes differ in build, licence, role or settings in force, none is the master, one runs on its default configuration or knows no domain, or the configuration to be shared names places of one node only; the message names the values.',
      },
    },
  },
  {
    title: 'Temporal',
    mail: 'Mail flows as before. A stop of the services that had not switched is put back by the node’s own agent when its lease runs out.',
    entries: {
      TEMPORAL_UNREACHABLE: {
        means: 'The Temporal server does not answer within 5 s, or refused. A running rollout waits for it.',
      },
      TEMPORAL_CONFIG: {
        means:
          'What the variables `TEMPORAL_…` or the SDK’s configuration file say cannot be used: a file that is not there, an unknown profile, a client certificate without its key.',
      },
      TEMPORAL_PLAIN: {
        means: 'The address is not one of this machine, and TLS is off: nothing was sent there.',
      },
      PAYLOAD_KEYS: {
        means: 'The list of payload keys is not one; the message names the line, never what stands in it.',
      },
      PAYLOAD_KEY_UNKNOWN: {
        means:
          'What Temporal keeps is encrypted with a key that this process does not have; the message has its id. Nothing is lost: see [below](#something-is-encrypted-with-another-key).',
      },
      PAYLOAD_KEY_WRONG: {
        means: 'This process has a key of that id, but another one, or what Temporal keeps was changed.',
      },
      NO_CONTROL_WORKER: {
        means:
          'No control worker has answered within 30 s: it does not run or serves another cluster. A plan or a verification is given up; a verb such as `retry` may still take effect when one is there.',
      },
      BUSY: { means: 'Another changing command runs on this cluster; the message says whose, since when.' },
      NO_ROLLOUT: { means: 'This Temporal server has never seen a rollout of this cluster.' },
      REFUSED: { means: 'The rollout does not accept that command now; the message says why.' },
    },
  },
  {
    title: 'Agents and their secrets',
    mail: HELD,
    entries: {
      AGENT_CONFIG: { means: 'agent.yaml is missing, wrong, or may be written by others.' },
      AGENT_LOST: {
        means:
          'An agent went silent in the middle of a step, or the step took too long (a look 15 minutes, a change six hours).',
      },
      AGENT_VERSION: { means: 'An agent is of another major version than the command that started the rollout.' },
      SECRET_UNUSABLE: {
        means: 'A secret holds `;`, a vertical bar or a line break, which IceWarp’s files cannot carry.',
      },
      SECRET_MISSING: {
        means:
          'agent.yaml does not define the secret, its source is empty, or its file can be read by others or belongs to another user. The same for the payload keys.',
      },
    },
  },
  {
    title: 'Commands of the operating system',
    mail: HELD,
    entries: {
      COMMAND_FAILED: { means: 'A command ended with an unexpected exit code; its output is in the agent’s log.' },
      COMMAND_MISSING: { means: 'A command is not installed on that machine.' },
      COMMAND_TIMEOUT: { means: 'A command did not end in time and was killed with everything it had started.' },
      COMMAND_LEFT: {
        means:
          'A command that an earlier attempt or a killed agent left running cannot be ended. Nothing is begun beside it.',
      },
    },
  },
  {
    title: 'The way back',
    mail: HELD,
    entries: {
      VAULT_OPEN: {
        means:
          'An earlier rollout can still be put back, or a machine keeps originals of one, and nobody has said what becomes of that.',
      },
      VAULT_DAMAGED: { means: 'The kept original is missing or is not the one recorded.' },
      LEASE_LOST: {
        means:
          "In a stop, the node's old state was put back without the rollout: by its agent, because the lease ran out, or by hand; or the node knows of no such lease. Nothing more of this stop is changed there. See [above](#a-node-stands-still-and-temporal-is-away).",
        mail: 'Users work on the old server again; nothing had been switched.',
      },
      LEASE_OTHER: { means: 'The node is still in another stop, whose way back is not to be lost.' },
      AGENT_RUNS: {
        means: '`recover --local` was called beside the agent of that node, which may be at the same.',
        mail: 'Nothing: nothing was changed.',
      },
      STAGE_OPENED: {
        means:
          '`recover --local` was called where users have worked with the new state: what they changed would be lost.',
        mail: 'Users go on working with the new state; nothing was changed.',
      },
      CHANGED_MEANWHILE: {
        means:
          'What is to be changed or put back is neither as the rollout left it nor as it was before: somebody changed it.',
      },
      NOT_CONVERGED: { means: 'A step was carried out, but a second look still finds a difference.' },
      UNEXPECTED: {
        means: 'An error that the product does not know. The original, with secrets taken out, is in the agent’s log.',
      },
    },
  },
];
