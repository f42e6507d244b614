import type { Origin } from '../job/claim.ts';
import type { Supervisor } from '../job/record.ts';
import type { AgentPlace, TerminalSettings } from './agent-request.ts';
import type { DelegateParams } from './request.ts';

/** What a delegation has where its caller says nothing. */
export const DEFAULTS = {
  agent: 'claude-code',
  timeoutSeconds: 3_600,
  idleTimeoutSeconds: 120,
  validateTimeoutSeconds: 600,
} as const;

/** What the caller wishes. Paths are absolute. */
export type Wish = Pick<
  DelegateParams,
  | 'prompt'
  | 'agent'
  | 'agent_session'
  | 'trust_pane'
  | 'workdir'
  | 'timeout_seconds'
  | 'idle_timeout_seconds'
  | 'validate'
  | 'validate_rounds'
  | 'validate_timeout_seconds'
  | 'on_busy'
  | 'request_key'
> & {
  /** Start the agent when its session is missing. */
  start: boolean;
  /** Write a line into the supervisor's pane when the job needs it. */
  notify: boolean;
};

/** What the caller's settings say. */
export interface DelegationSettings {
  tmuxSocket: string;
  registryDir: string;
  logsDir?: string | undefined;
  path?: string | undefined;
  virtualEnv?: string | undefined;
  mamCommand: string;
  mamProgram: string[];
  peerEnvironment: Record<string, string>;
  sessionEnvironment: Record<string, string>;
  maxDepth: number;
  maxOpenJobs: number;
  agents: NonNullable<AgentPlace['configured']>;
}

/** A request of the hub for a new job. */
export function delegateParams(
  { start, notify, ...wish }: Wish,
  settings: DelegationSettings,
  who: { terminal: TerminalSettings; supervisor: Supervisor; origin: Origin },
): DelegateParams {
  return {
    ...wish,
    ...who,
    start: start
      ? { mam: settings.mamProgram, server_env: settings.peerEnvironment, env: settings.sessionEnvironment }
      : undefined,
    notify: notify ? { configured: settings.agents } : undefined,
    tmux_socket: settings.tmuxSocket,
    registry_dir: settings.registryDir,
    logs_dir: settings.logsDir,
    limits: { max_depth: settings.maxDepth, max_open_jobs: settings.maxOpenJobs },
    path: settings.path,
    virtual_env: settings.virtualEnv,
    mam_command: settings.mamCommand,
  };
}
