import { describe, expect } from 'vitest';
import { commands } from '../../src/cli/index.ts';
import { tools } from '../../tools/index.ts';
import { sharing } from '../support/lab-test.ts';
import { plant, plantJob } from '../support/plant.ts';

/** What a refusal is about: the tool with its arguments, and the same on a command line. */
type Refusal = [about: string, tool: string, args: object, command: string[]];

const HUMAN = { prompt: 'x', agent: 'human' };
const SUBMIT = ['submit', 'x', '--no-wait'];

const REFUSALS: Refusal[] = [
  ['an unknown job', 'job_status', { job_id: 'nobody' }, ['status', 'nobody']],
  ['an unknown job', 'wait_job', { job_id: 'nobody' }, ['wait', 'nobody']],
  ['an unknown job', 'job_logs', { job_id: 'nobody' }, ['logs', 'nobody']],
  ['an unknown job', 'cancel_job', { job_id: 'nobody' }, ['cancel', 'nobody']],
  ['an unknown job', 'verify_job', { job_id: 'nobody' }, ['verify', 'nobody']],
  ['an unknown job', 'answer_job', { job_id: 'nobody', text: 'x' }, ['answer', '--job', 'nobody', 'x']],
  ['an id that is none', 'cancel_job', { job_id: '../x' }, ['cancel', '../x']],
  ['no permission request', 'answer_job', { job_id: 'open', decision: 'allow' }, ['allow', 'open']],
  [
    'another request',
    'answer_job',
    { job_id: 'open', decision: 'deny', request_id: 'r-1' },
    ['answer', 'open', '--deny', '--request', 'r-1'],
  ],
  [
    'a long text',
    'answer_job',
    { job_id: 'open', text: 'x'.repeat(2_001) },
    ['answer', 'open', 'x'.repeat(2_001)],
  ],
  ['a final job', 'answer_job', { job_id: 'over', text: 'x' }, ['answer', '--job', 'over', 'x']],
  ['no script', 'verify_job', { job_id: 'open' }, ['verify', 'open']],
  [
    'a missing script',
    'verify_job',
    { job_id: 'open', validate: '/no/script' },
    ['verify', 'open', '--validate', '/no/script'],
  ],
  ['history', 'cancel_job', { job_id: 'foreign' }, ['cancel', 'foreign']],
  ['history', 'wait_job', { job_id: 'foreign' }, ['wait', 'foreign']],
  ['an empty task', 'delegate_job', { ...HUMAN, prompt: ' ' }, ['submit', ' ', '--agent', 'human']],
  ['a missing session', 'delegate_job', { prompt: 'x', agent: 'codex' }, [...SUBMIT, '--agent', 'codex']],
  [
    'a missing session',
    'delegate_job',
    { prompt: 'x', agent: 'command', agent_session: 'tmux:none' },
    [...SUBMIT, '--agent', 'command', '--agent-session', 'tmux:none'],
  ],
  ['no session', 'delegate_job', { prompt: 'x', agent: 'command' }, [...SUBMIT, '--agent', 'command']],
  ['an unknown kind', 'delegate_job', { prompt: 'x', agent: 'codx' }, [...SUBMIT, '--agent', 'codx']],
  [
    'a session that is none',
    'delegate_job',
    { prompt: 'x', agent_session: 'screen:1' },
    [...SUBMIT, '--agent-session', 'screen:1'],
  ],
  [
    'a missing folder',
    'delegate_job',
    { ...HUMAN, workdir: '/no/folder' },
    [...SUBMIT, '--agent', 'human', '--workdir', '/no/folder'],
  ],
  [
    'a missing check',
    'delegate_job',
    { ...HUMAN, validate: '/no/script' },
    [...SUBMIT, '--agent', 'human', '--validate', '/no/script'],
  ],
  [
    'too many rounds',
    'delegate_job',
    { ...HUMAN, validate_rounds: 11 },
    [...SUBMIT, '--agent', 'human', '--validate-rounds', '11'],
  ],
  [
    'a short limit',
    'delegate_job',
    { ...HUMAN, timeout_seconds: 0 },
    [...SUBMIT, '--agent', 'human', '--timeout', '0'],
  ],
  [
    'a long key',
    'delegate_job',
    { ...HUMAN, request_key: 'k'.repeat(201) },
    [...SUBMIT, '--agent', 'human', '--request-key', 'k'.repeat(201)],
  ],
  [
    'no pane to notify',
    'delegate_job',
    { ...HUMAN, notify: 'pane' },
    [...SUBMIT, '--agent', 'human', '--notify', 'pane'],
  ],
  ['a kind that does not start', 'start_agent', { agent: 'command' }, ['start', 'command']],
  ['an unknown kind', 'start_agent', { agent: 'codx' }, ['start', 'codx']],
  ['a session that is not there', 'stop_agent', { name: 'none' }, ['stop', 'none']],
  ["a session of the user's", 'stop_agent', { name: 'roof' }, ['stop', 'roof']],
  ['a foreign cursor', 'list_jobs', { cursor: 'x' }, ['list', '--cursor', 'x']],
  ['an unknown status', 'list_jobs', { status: 'done' }, ['list', '--status', 'done']],
  ['no question', 'publish_event', { job_id: 'open', event: 'question' }, ['publish', 'open', 'question']],
  [
    'an unknown job',
    'publish_event',
    { job_id: 'nobody', event: 'progress' },
    ['publish', 'nobody', 'progress'],
  ],
];

/** Commands that do what a tool does. */
const SHELL_ONLY = new RegExp(
  `\\bmam (${['submit', 'wait', 'status', 'list', 'logs', 'verify', 'answer', 'allow', 'deny', 'cancel', 'agents', 'start', 'stop', 'publish'].join('|')})\\b| --[a-z]`,
);
/** Names of tools and parameters; a status or a reason looks the same. */
const TOOL_ONLY = new RegExp(
  `\\b(${[...tools.map(({ name }) => name), 'job_ids?', 'request_id', 'agent_session', '\\w+_seconds', 'validate_rounds', 'request_key', 'trust_pane', 'on_busy', 'dry_run'].join('|')})\\b|\\bCall |parseArgs|ERR_`,
);

describe('a refusal', () => {
  sharing.for(REFUSALS)(
    'of %s by %s speaks the words of its door',
    async ([, tool, args, command], { lab, server }) => {
      if (!lab.jobIds().includes('open')) {
        for (const id of ['open', 'over']) plant(lab, id);
        plantJob(lab.registry, 'foreign', {}, lab.project);
        await (await lab.reporter).report('open', 'started');
        await (await lab.reporter).report('over', 'completed');
        await lab.startSession('roof', 'exec cat');
      }
      const { content, structuredContent } = await server.call(tool, args);
      const said = structuredContent === undefined ? content[0].text : JSON.stringify(structuredContent);
      expect(said).not.toMatch(SHELL_ONLY);
      const { stdout, stderr, code } = await lab.mam(...command);
      expect(code, stderr).not.toBe(0);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^mam: /);
      expect(stderr).not.toMatch(TOOL_ONLY);
    },
  );
});

describe('a mistyped command line', () => {
  const NEAR: [words: string[], meant: string | RegExp][] = [
    [['wait', '--timout', '5'], 'Did you mean --timeout?'],
    [['list', '--need-you'], 'Did you mean --needs-you?'],
    [['uninstall'], 'Did you mean mam install CLIENT --uninstall?'],
    [['uninstall', 'codex'], 'Did you mean mam install codex --uninstall?'],
    [['ls'], 'Did you mean mam list?'],
    [['--nonsense'], 'there is no option "--nonsense". See mam help.'],
    [['wait', '--timeout'], '--timeout has no value.'],
    [['wait', '--timeout', 'soon'], 'Give seconds, or a time such as 90s, 30m or 1h.'],
    [['web', '--port', 'x'], 'Give a whole number from '],
    [['prune', '--older-than'], 'Give --older-than AGE: an age in s, m, h, d or w, such as 5m'],
    [['completion', 'tcsh'], /"tcsh"\. Use one of bash, zsh, fish/],
    [['demo', 'foo'], 'Run mam demo, or mam demo peer.'],
    [['start', 'nosuch'], /no such agent kind\. Kinds that can be started: claude-code, (?!.*human)/],
    [['list', '--agent', 'nosuch'], 'There is no such agent kind.'],
    [['list', '--registry-dir', '/nosuch'], 'The folder /nosuch does not exist.'],
    [['wait', '--json=yes', 'x'], '--json takes no value.'],
    [['wait', 'hello'], /There is no job with this id: hello\./],
  ];

  sharing.for(NEAR)('%j is explained in our own words', async ([words, meant], { lab }) => {
    const { code, stdout, stderr } = await lab.mam(...words);
    expect(code).toBeGreaterThanOrEqual(64);
    expect(stdout).toBe('');
    if (typeof meant === 'string') expect(stderr).toContain(meant);
    else expect(stderr).toMatch(meant);
  });

  sharing.for(Object.keys(commands))(
    'mam %s refuses an unknown option in our own words',
    async (name, { lab }) => {
      const { code, stderr } = await lab.mam(name, '--nonsense=1');
      if (name === 'hook') return;
      expect(code).toBe(64);
      expect(stderr).toMatch(/^mam: There is no option --nonsense\. /);
      expect(stderr).not.toMatch(/parseArgs|ERR_|Unknown option/);
    },
  );
});
