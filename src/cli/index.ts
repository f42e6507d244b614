/** A command's file. */
export interface CommandModule {
  /** Runs with what stands after the command's name; the answer is the exit code. */
  run(args: string[]): Promise<number>;
}

/** A command as `mam help` lists it; its file is loaded when it runs. */
export interface Command {
  summary: string;
  load(): Promise<CommandModule>;
}

/** Every command by its name. */
export const commands: Readonly<Record<string, Command>> = {
  publish: {
    summary: 'report an event of a job (for peers without the MCP tool)',
    load: () => import('./publish.ts'),
  },
  status: { summary: "show one job's record and events", load: () => import('./status.ts') },
  list: { summary: 'list jobs, the newest first', load: () => import('./list.ts') },
  wait: {
    summary: 'wait until a job is done or needs somebody; without --job, until every open job is final',
    load: () => import('./wait.ts'),
  },
  answer: {
    summary: "answer a job's question or permission request",
    load: () => import('./answer.ts'),
  },
  cancel: { summary: 'cancel a job', load: () => import('./cancel.ts') },
  done: { summary: 'report a job for a person as done', load: () => import('./done.ts') },
  agents: { summary: 'list the agents in tmux and what each is doing', load: () => import('./agents.ts') },
  start: { summary: 'start an agent in a tmux session, ready for jobs', load: () => import('./start.ts') },
  stop: { summary: 'end an agent session that mam started', load: () => import('./stop.ts') },
  hub: { summary: 'show, stop or read the log of the background process', load: () => import('./hub.ts') },
  install: {
    summary: "write the MCP server into a client's own configuration, or take it out again",
    load: () => import('./install.ts'),
  },
  demo: { summary: 'show one delegated job from end to end on real parts', load: () => import('./demo.ts') },
};
