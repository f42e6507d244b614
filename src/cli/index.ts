import type { Command } from './core/command.ts';

/** A command as `mam help` lists it; its declaration is loaded when it runs. */
export interface Listed {
  group: keyof typeof GROUPS;
  summary: string;
  load(): Promise<Command>;
}

/** What commands are for, in the order of the help. */
export const GROUPS = {
  jobs: 'Jobs',
  agents: 'Agents',
  peers: 'For peers and people who work on a job',
  house: 'Set-up and house-keeping',
} as const;

/** Every command by its name. */
export const commands: Readonly<Record<string, Listed>> = {
  submit: {
    group: 'jobs',
    summary: 'delegate a job to an agent, and wait for it',
    load: async () => (await import('./submit.ts')).default,
  },
  wait: {
    group: 'jobs',
    summary: 'wait until a job is done or needs somebody; without --job, until every open job is final',
    load: async () => (await import('./wait.ts')).default,
  },
  watch: {
    group: 'jobs',
    summary: 'a live board of all jobs, with keys to attach, answer, allow, cancel',
    load: async () => (await import('./watch.ts')).default,
  },
  status: {
    group: 'jobs',
    summary: "show one job's record and events",
    load: async () => (await import('./status.ts')).default,
  },
  list: {
    group: 'jobs',
    summary: 'list jobs, the newest first',
    load: async () => (await import('./list.ts')).default,
  },
  logs: {
    group: 'jobs',
    summary: "show a job's audit log as a timeline, follow it, or list all logs",
    load: async () => (await import('./logs.ts')).default,
  },
  verify: {
    group: 'jobs',
    summary: "run a validation script against a job's artifacts now",
    load: async () => (await import('./verify.ts')).default,
  },
  answer: {
    group: 'jobs',
    summary: "answer a job's question or permission request",
    load: async () => (await import('./answer.ts')).default,
  },
  cancel: {
    group: 'jobs',
    summary: 'cancel a job',
    load: async () => (await import('./cancel.ts')).default,
  },
  agents: {
    group: 'agents',
    summary: 'list the agents in tmux and what each is doing',
    load: async () => (await import('./agents.ts')).default,
  },
  attach: {
    group: 'agents',
    summary: "show a job's agent, or a tmux session, on this terminal",
    load: async () => (await import('./attach.ts')).default,
  },
  start: {
    group: 'agents',
    summary: 'start an agent in a tmux session, ready for jobs',
    load: async () => (await import('./start.ts')).default,
  },
  stop: {
    group: 'agents',
    summary: 'end an agent session that mam started',
    load: async () => (await import('./stop.ts')).default,
  },
  publish: {
    group: 'peers',
    summary: 'report an event of a job (for peers without the MCP tool)',
    load: async () => (await import('./publish.ts')).default,
  },
  done: {
    group: 'peers',
    summary: 'report a job for a person as done',
    load: async () => (await import('./done.ts')).default,
  },
  hook: {
    group: 'peers',
    summary: "what an agent's hooks run: tells the hub of a turn's end or a permission request",
    load: async () => (await import('./hook.ts')).default,
  },
  install: {
    group: 'house',
    summary: "write the MCP server into a client's own configuration, or take it out again",
    load: async () => (await import('./install.ts')).default,
  },
  completion: {
    group: 'house',
    summary: 'print the script with which bash, zsh or fish completes mam',
    load: async () => (await import('./completion.ts')).completionOf(commands),
  },
  hub: {
    group: 'house',
    summary: 'show, stop, restart or read the log of the background process',
    load: async () => (await import('./hub.ts')).default,
  },
  doctor: {
    group: 'house',
    summary: 'look at everything that mam needs, and say what to do about what is wrong',
    load: async () => (await import('./doctor.ts')).default,
  },
  trust: {
    group: 'house',
    summary: "accept this project's settings that could run something, look at them, or revoke that",
    load: async () => (await import('./trust.ts')).default,
  },
  prune: {
    group: 'house',
    summary: 'remove the folders of jobs that ended long ago',
    load: async () => (await import('./prune.ts')).default,
  },
  demo: {
    group: 'house',
    summary: 'show one delegated job from end to end on real parts',
    load: async () => (await import('./demo.ts')).default,
  },
};
