import { LIMITS } from '../../src/job/limits.ts';
import { waitBudget } from '../../src/mcp/tool/budget.ts';

/** A setting as the README's table shows it. */
export interface Setting {
  /** In the environment. */
  env?: string;
  /** In a config.json. */
  file?: string;
  default: string;
  meaning: string;
}

const seconds = (client: string) => `${waitBudget(undefined, client).milliseconds / 1000} s`;
const budgets = [
  `Claude Code ${waitBudget(undefined, 'claude-code').milliseconds / 3_600_000} h`,
  `Codex ${seconds('codex-mcp-client')}`,
  `Gemini CLI ${seconds('gemini-cli-mcp-client')}`,
  `others ${seconds('?')}`,
].join(', ');

/** Every setting. `readme.test.ts` proves the names and the defaults against src/settings/config.ts and src/settings/config-file.ts. */
export const settings: readonly Setting[] = [
  { env: 'MAM_HOME', default: '`~/.mam`', meaning: "folder of the user's hub" },
  {
    env: 'MAM_REGISTRY_DIR',
    file: 'registry_dir',
    default: "`jobs` in the project's `.mam`",
    meaning: 'folder of the jobs; the flag is `--registry-dir`',
  },
  {
    env: 'MAM_LOGS_DIR',
    file: 'logs_dir',
    default: "the job's own folder",
    meaning: 'folder for a copy of the journal, the last screen and the validation output of each job',
  },
  {
    env: 'DELEGATE_JOB_LOGS_DIR',
    default: 'none',
    meaning: 'the same, read where `MAM_LOGS_DIR` is not set',
  },
  {
    env: 'MAM_BROKER_URL',
    file: 'broker_url',
    default: 'the embedded broker',
    meaning: 'an external broker: `mqtt://`, `mqtts://`, `ws://` or `wss://`',
  },
  {
    env: 'MAM_BROKER_USERNAME',
    file: 'broker_username',
    default: 'from the URL',
    meaning: 'user name for it',
  },
  {
    env: 'MAM_BROKER_PASSWORD',
    file: 'broker_password',
    default: 'from the URL',
    meaning: 'password for it',
  },
  {
    env: 'MAM_BROKER_CA',
    file: 'broker_ca',
    default: "Node's own authorities",
    meaning: 'PEM file of the authority that signed its certificate',
  },
  {
    env: 'MAM_BROKER_PLAIN',
    default: '0',
    meaning: '1 allows `mqtt://` and `ws://`, which are not encrypted, to another machine',
  },
  {
    env: 'MAM_REALM',
    file: 'realm',
    default: '`default`',
    meaning: 'first level of the topics, after `mam/v1`',
  },
  {
    env: 'TMUX_SERVER_NAME',
    file: 'tmux_server_name',
    default: 'the tmux around it, else the default one',
    meaning: 'tmux server of the agent sessions, as in `tmux -L`',
  },
  { env: 'MAM_ROLE', default: '`supervisor`', meaning: '`peer`: the server offers only the tools for peers' },
  {
    env: 'MAM_CHANNEL',
    default: '0',
    meaning:
      '1: the server is a channel of Claude Code ([docs/clients.md](docs/clients.md#claude-codes-channels))',
  },
  {
    env: 'MAM_TOOL_TIMEOUT_SECONDS',
    file: 'tool_timeout_seconds',
    default: `by client: ${budgets}`,
    meaning: 'how long the MCP client lets one call run; `wait_job` answers before that',
  },
  {
    env: 'MAM_HUB_IDLE_SECONDS',
    file: 'hub_idle_seconds',
    default: '60',
    meaning: 'how long a hub without clients and open jobs stays',
  },
  {
    env: 'MAM_HUB_EVENTS_PER_MINUTE',
    file: 'hub_events_per_minute',
    default: `${LIMITS.eventsPerMinute}`,
    meaning:
      'progress events that the hub records per job and minute, with bursts of twice that; more are refused. 0: no limit, nor one on what a journal keeps. Read where the hub starts',
  },
  {
    env: 'MAM_MAX_DEPTH',
    file: 'max_depth',
    default: `${LIMITS.maxDepth}`,
    meaning: 'how deep peers may delegate further; 0: not at all',
  },
  {
    env: 'MAM_MAX_OPEN_JOBS',
    file: 'max_open_jobs',
    default: `${LIMITS.maxOpenJobs}`,
    meaning: "open jobs of one supervisor's session; a person's shells outside of tmux are one",
  },
  { file: 'agents', default: 'none', meaning: 'agent kinds by configuration, see above' },
];
