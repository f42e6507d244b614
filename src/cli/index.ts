import type { Command, Listed } from './core/command.ts';

type Row = readonly [summary: string, load: () => Promise<{ default: Command }>];

const GROUPS: Readonly<Record<string, Readonly<Record<string, Row>>>> = {
  Jobs: {
    submit: ['delegate a job to an agent, and wait for it', () => import('./submit.ts')],
    wait: [
      'wait until a job ends or needs you; without an id, until every open job is final',
      () => import('./wait.ts'),
    ],
    watch: [
      'show a live board of all jobs, with keys to attach, answer, allow and cancel',
      () => import('./watch.ts'),
    ],
    web: ['show and answer jobs in a browser', () => import('./web.ts')],
    status: ["show one job's record and events", () => import('./status.ts')],
    list: ['list jobs, those that need you first', () => import('./list.ts')],
    logs: ["show a job's audit log as a timeline, follow it, or list all logs", () => import('./logs.ts')],
    verify: ["run a validation script against a job's artifacts now", () => import('./verify.ts')],
    diff: ['show what a job has changed, as a patch', () => import('./diff.ts')],
    merge: ["merge the branch of a job's worktree into the current one", () => import('./merge.ts')],
    discard: ["remove a job's worktree, and its branch if you ask for it", () => import('./discard.ts')],
    answer: ["answer a job's question or permission request", () => import('./answer.ts')],
    allow: ['allow what a job asks for, once', () => import('./allow.ts')],
    deny: ['deny what a job asks for', () => import('./deny.ts')],
    cancel: ['cancel a job', () => import('./cancel.ts')],
  },
  Agents: {
    agents: ['list the agents in tmux and what each is doing', () => import('./agents.ts')],
    attach: ["show a job's agent, or a tmux session, on this terminal", () => import('./attach.ts')],
    start: ['start an agent in a tmux session, ready for jobs', () => import('./start.ts')],
    stop: ['end an agent session that mam started', () => import('./stop.ts')],
  },
  'For peers and people who work on a job': {
    publish: ['report an event of a job (for peers without the MCP tool)', () => import('./publish.ts')],
    done: ['report a job for a person as done', () => import('./done.ts')],
    hook: [
      "report a turn's end or a permission request to the hub (for the hooks of agents)",
      () => import('./hook.ts'),
    ],
  },
  'Setup and maintenance': {
    install: [
      "add the MCP server to a client's own configuration, or remove it again",
      () => import('./install.ts'),
    ],
    completion: [
      'print the completion script for bash, zsh or fish',
      async () => ({ default: (await import('./completion.ts')).completionOf(commands) }),
    ],
    hub: ['show, stop, restart or read the log of the background process', () => import('./hub.ts')],
    hosts: ["list the other machines, check one, or print a broker's rules", () => import('./hosts.ts')],
    doctor: ['check everything that mam needs, and explain how to fix it', () => import('./doctor.ts')],
    trust: [
      "accept, show or revoke this project's settings that could run something",
      () => import('./trust.ts'),
    ],
    prune: ['remove the folders of jobs that ended long ago', () => import('./prune.ts')],
    demo: ['show one delegated job from end to end with real parts', () => import('./demo.ts')],
  },
};

export const commands: Readonly<Record<string, Listed>> = Object.fromEntries(
  Object.entries(GROUPS).flatMap(([group, rows]) =>
    Object.entries(rows).map(([name, [summary, load]]) => [
      name,
      { group, summary, load: async () => (await load()).default },
    ]),
  ),
);
