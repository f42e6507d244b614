import type { AgentSession, Supervisor } from '../job/record.ts';

/** What a configuration says about an agent kind's terminal. */
export interface TerminalSettings {
  /** The command line that starts it: program and arguments. */
  command?: string[] | undefined;
  /** Regular expressions, tried on the screen. */
  ready?: string | undefined;
  busy?: string | undefined;
  dialog?: string | undefined;
  draft?: string | undefined;
  /** tmux's names of the keys that empty the input box and that interrupt the agent. */
  clear?: string | undefined;
  interrupt?: string | undefined;
}

/** Where agents are started and looked for. */
export interface AgentPlace {
  /** Absolute path of the caller's tmux socket. */
  tmux_socket: string;
  /** Of the caller's environment: where programs are looked for. */
  path?: string | undefined;
  supervisor?: Supervisor | undefined;
  /** Agent kinds of the caller's configuration. */
  configured?: Record<string, TerminalSettings & { session?: string | undefined }> | undefined;
}

/** A live agent, or an agent kind that none of its sessions runs. */
export interface AgentRow {
  agent: string;
  title: string;
  session?: AgentSession | undefined;
  /** `idle`, `busy`, `dialog`, `draft`, `copy_mode`, `not_ready`, `unreachable`, `dead`; absent where nothing runs. */
  state?: string | undefined;
  /** What was seen that says so. */
  evidence?: string | undefined;
  /** The open jobs of its pane, the holder first. */
  jobs: string[];
  peer_server?: 'connected' | 'unknown' | undefined;
  started_by_us?: boolean | undefined;
  /** Where nothing runs: the program's path, absent when it isn't installed. */
  program?: string | undefined;
}

export interface StartParams extends AgentPlace {
  agent: string;
  /** Name of the tmux session; absent for the kind's own. */
  name?: string | undefined;
  workdir: string;
  resume?: boolean | undefined;
  terminal?: TerminalSettings | undefined;
  /** How the agent can call the command line, as program and arguments. */
  mam: string[];
  /** The caller's settings that the agent's server must have too, as environment. */
  server_env: Record<string, string>;
  /** What of the caller's environment the session shall have; absent from an older client. */
  env?: Record<string, string> | undefined;
}

export interface StartResult {
  session: AgentSession;
  ready: boolean;
  /** What keeps it from being ready, and what to do about it. */
  waits_for?: string | undefined;
  /** Why it has begun anew, where it was to be resumed. */
  not_resumed?: string | undefined;
  /** Why nobody can attach to it, and what helps. */
  out_of_reach?: string | undefined;
  peer_server: 'connected' | 'unknown';
}

export interface StopParams extends AgentPlace {
  name: string;
}
