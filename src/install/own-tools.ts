/** What a peer calls: its report must not wait for a person. */
export const PEER_TOOLS = ['publish_event', 'job_status'];

/** What only a supervisor calls; `--allow-supervisor` allows these too. A test compares both lists with `tools/`. */
const SUPERVISOR_TOOLS = [
  'delegate_job',
  'wait_job',
  'answer_job',
  'list_jobs',
  'job_logs',
  'verify_job',
  'cancel_job',
  'list_agents',
  'start_agent',
  'stop_agent',
];

/** The tools that need no permission. @param supervisor with those of a supervisor */
export function allowedTools(supervisor: boolean): string[] {
  return supervisor ? [...PEER_TOOLS, ...SUPERVISOR_TOOLS] : PEER_TOOLS;
}

/** What a model can do without asking once the supervisor's tools are allowed. */
export function powersOf(title: string): string[] {
  return [
    `${title} may then call these without asking you: ${SUPERVISOR_TOOLS.join(', ')}.`,
    'So its model can, by itself: type orders into any agent on your tmux server; start agents, and stop those that mam started; cancel jobs; answer a peer, and allow what it asks permission for (answer_job); and run a check script as you, outside any sandbox (validate in delegate_job and verify_job).',
    'Nothing else is allowed: what a peer may do without asking stays as it is.',
  ];
}

/** True if an earlier install allowed the supervisor's tools in a file, and the user has not removed that since. */
export function allowsSupervisor(text: string | undefined, receipt: unknown): boolean {
  const names = (written: string | undefined): boolean => written?.includes('delegate_job') === true;
  return names(JSON.stringify(receipt)) && names(text);
}
