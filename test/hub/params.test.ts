import { expect } from 'vitest';
import { requestOnce } from '../../src/link/one-shot.ts';
import { COMMANDS } from '../../src/operations/commands.ts';
import type { Command } from '../../src/operations/request.ts';
import type { Lab } from '../support/lab.ts';
import { sharing } from '../support/lab-test.ts';

const JOB = { job_id: 'no-such-job' };
const DELEGATION = {
  ...{ prompt: 'Mend the roof', agent: 'human', workdir: '/', on_busy: 'queue', mam_command: 'mam' },
  ...{ timeout_seconds: 60, idle_timeout_seconds: 60, tmux_socket: '/none', registry_dir: '/none' },
};

/** Requests over the broker that lack a parameter or have one of another type, with the parameter. */
const WRONG: [Command, unknown, string][] = [
  ['delegate', { prompt: 'Mend the roof' }, '`workdir` is missing: give a string'],
  ['delegate', { prompt: ['Mend', 'the roof'] }, '`prompt` must be a string, not an array'],
  ['preview', { ...DELEGATION, supervisor: 'me' }, '`supervisor` must be an object, not a string'],
  [
    'delegate',
    { ...DELEGATION, supervisor: { client: 'me' } },
    '`supervisor.session` is missing: give a string',
  ],
  ['delegate', { ...DELEGATION, terminal: { ready: 5 } }, '`terminal.ready` must be a string, not a number'],
  ['delegate', { ...DELEGATION, origin: { pids: ['1'] } }, 'Item 0 of `origin.pids` must be a number'],
  ['delegate', { ...DELEGATION, limits: { max_depth: 'x' } }, '`limits.max_depth` must be a number'],
  ['delegate', { ...DELEGATION, notify: { configured: 5 } }, '`notify.configured` must be an object'],
  ['delegate', { ...DELEGATION, start: { mam: 'mam', server_env: {} } }, '`start.mam` must be an array'],
  [
    'seen',
    { registry_dir: '/', session: 's', jobs: [JOB] },
    'Item 0 of `jobs.seq` is missing: give a number',
  ],
  ['status', undefined, '`job_id` is missing: give a string. Expected: Id of the delegated job'],
  ['status', { job_id: 7 }, '`job_id` must be a string, not a number'],
  ['status', { ...JOB, events_after: 'all' }, '`events_after` must be a number, not a string'],
  ['hold', { session: 's', job_ids: 'all' }, '`job_ids` must be an array, not a string'],
  ['delegate_to', { prompt: 'Mend the roof' }, '`host` is missing: give a string'],
  ['ask_host', { host: 'hostb', command: 'rm', params: {} }, '`command` must be one of: agents, start'],
  ['hosts', { all: 'yes' }, '`all` must be true or false'],
  ['seen', { session: 's', jobs: ['a'] }, 'Item 0 of `jobs` must be an object, not a string'],
  ['list', { limit: 5 }, '`registry_dir` is missing: give a string'],
  ['cancel', { ...JOB, by: 'supervisor', interrupt: 'yes' }, '`interrupt` must be true or false'],
  ['cancel', JOB, '`by` is missing: give one of: supervisor, person'],
  ['answer', { ...JOB, by: 'person', text: {} }, '`text` must be a string, not an object'],
  ['screen', {}, '`job_id` is missing'],
  ['log', [], 'The parameters of log must be one JSON object.'],
  ['verify', { ...JOB, validate: true }, '`validate` must be a string, not true or false'],
  ['prune', {}, '`before` is missing'],
  ['hook', { agent: 'codex', report: null }, '`report` must be an object, not null'],
  ['hook', { agent: 'codex', report: { type: 'submitted', text: 5 } }, '`report.text` must be a string'],
  ['hook', { agent: 'codex', report: {}, origin: { socket: {} } }, '`origin.socket` must be a string'],
  ['agents', {}, '`tmux_socket` is missing'],
  ['start', { agent: 'codex', mam: 'mam' }, '`mam` must be an array, not a string'],
  ['stop', { name: 1 }, '`name` must be a string, not a number'],
  ['stop_idle', { tmux_socket: 5 }, '`tmux_socket` must be a string, not a number'],
  ['diff', { job_id: 7 }, '`job_id` must be a string, not a number'],
  ['merge', { ...JOB, committed_only: 'yes' }, '`committed_only` must be true or false'],
  ['discard', { ...JOB, force: 'yes' }, '`force` must be true or false'],
];

function ask(lab: Lab, command: Command, params: unknown): Promise<unknown> {
  const { socket, realm, host } = lab.hub();
  const address = { kind: 'socket', path: socket } as const;
  return requestOnce({ address, realm, host, timeoutMs: 5_000, command, params: params as never });
}

sharing('the hub refuses parameters that are missing or of another type, and names them', async ({ lab }) => {
  await (await lab.startServer()).ask('list_jobs');
  for (const [command, params, words] of WRONG) {
    const refusal = await ask(lab, command, params).then(JSON.stringify, (error) => error);
    expect(refusal, command).toMatchObject({ code: 'bad_input', hint: 'Correct it and retry.' });
    expect(refusal.message, command).toContain(words);
  }
  const whole = { ...DELEGATION, supervisor: { client: 'me', session: 's' } };
  for (const name of ['workdir', 'validate', 'logs_dir', 'registry_dir']) {
    const message = `${name} is not an absolute path.`;
    await expect(ask(lab, 'delegate', { ...whole, [name]: 'here' })).rejects.toMatchObject({ message });
  }
  const message = 'validate_timeout_seconds must be from 1 to 604800 seconds.';
  const never = ask(lab, 'verify', { ...JOB, validate_timeout_seconds: -1 });
  await expect(never).rejects.toMatchObject({ code: 'bad_input', message });
  const tried = new Set([...WRONG.map(([command]) => command), 'hub_status', 'hub_stop', 'test_event']);
  expect(Object.keys(COMMANDS).filter((command) => !tried.has(command))).toEqual([]);
  // Additional fields of a newer client are ignored.
  const list = { registry_dir: lab.registry, limit: 5, newer: { than: 'this' } };
  expect(await ask(lab, 'list', list)).toMatchObject({ total: 0 });
});
