import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtIn } from '../../src/agents/index.ts';
import { identify } from '../../src/base/process-id.ts';
import { realPlace } from '../../src/base/real-place.ts';
import { Conversations } from '../../src/hub/conversations/conversations.ts';
import { conversationOf, resumeJob } from '../../src/hub/conversations/resume.ts';
import type { LiveJob } from '../../src/hub/jobs/live-job.ts';
import type { HookReport } from '../../src/job/hook.ts';
import type { JobRecord } from '../../src/job/record.ts';
import type { Conversation } from '../../src/job/usage-schema.ts';
import { Story } from '../job/story.ts';

const ID = '01a22eac-3bbf-7611-bb75-684cb80a1070';
let folder = '';
let transcript = '';
beforeAll(() => {
  folder = realPlace(mkdtempSync(join(tmpdir(), 'mam-resume-')));
  transcript = join(folder, 'rollout.jsonl');
  writeFileSync(transcript, '');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A lost job of Codex with this conversation. */
const lost = (conversation: object = {}, more: Partial<JobRecord> = {}): JobRecord => ({
  ...Story.working({ agent: 'codex' })
    .next('conversation', {
      data: { conversation: { agent: 'codex', id: ID, transcript, from: 0, ...conversation } },
    })
    .next('session_lost').record,
  ...more,
});

test('the conversation of a lost job is opened by its id', () => {
  expect(conversationOf(lost(), 'codex')).toMatchObject({ id: ID, transcript });
});

test.each<[why: string, record: () => JobRecord, agent: string, hint: string]>([
  ['was given to codex', () => lost(), 'claude-code', 'mam start codex --resume'],
  ['No conversation of job', () => Story.working().next('session_lost').record, 'codex', '--resume'],
  ['No conversation of job', () => lost(), 'command', 'mam start command'],
  ['is gone', () => lost({ transcript: '/nowhere/rollout.jsonl' }), 'codex', 'delegate the task again'],
  ['is gone', () => lost({ transcript: folder }), 'codex', 'delegate the task again'],
  ['is gone', () => lost({ transcript: 'rollout.jsonl' }), 'codex', 'delegate the task again'],
  ['an id that codex does not give', () => lost({ id: '--last' }), 'codex', 'again'],
  ['an id that codex does not give', () => lost({ id: '7' }), 'codex', 'again'],
  [
    'is still running',
    () => lost({}, { agent_process: { ...identify(process.pid), command: 'codex', pane_pid: process.pid } }),
    'codex',
    'mam attach',
  ],
  [
    'on hostb',
    () => lost({}, { home: { host: 'hostb', state: 'following' } as NonNullable<JobRecord['home']> }),
    'codex',
    'there',
  ],
])('refused: %s', (why, record, agent, hint) => {
  expect(() => conversationOf(record(), agent)).toThrow(why);
  try {
    conversationOf(record(), agent);
  } catch (error) {
    expect((error as { hint: string }).hint).toContain(hint);
  }
});

test('no id of a conversation can be an option, a number or a path', () => {
  const ids = ['', '7', 'latest', '--last', '-c', `${ID} x`, `${ID}\n`, `../${ID}`, ID.toUpperCase()];
  for (const kind of ['claude-code', 'codex', 'gemini', 'opencode'])
    for (const id of ids) expect(builtIn(kind)?.conversation?.id.test(id), `${kind} ${id}`).toBe(false);
});

test('a name of a model that no line of a journal could hold is cut', async () => {
  const said: { data?: { conversation?: Conversation } }[] = [];
  const { record } = Story.working({ agent: 'codex' });
  const job = { id: record.job_id, record } as LiveJob;
  const registrar = {
    note: async (_: LiveJob, __: string, one: (typeof said)[number]) => void said.push(one),
  };
  const conversations = new Conversations({ registrar, log: console } as unknown as ConstructorParameters<
    typeof Conversations
  >[0]);
  const report = { type: 'submitted', text: `Order: ${job.id}`, session_id: ID, model: 'm'.repeat(9_000) };
  await conversations.heard('codex', report as HookReport, job);
  conversations.stop();
  expect(said[0]?.data?.conversation).toMatchObject({
    id: ID,
    model: expect.stringMatching(/^m{50}.{1,50}$/),
  });
});

test('while an agent runs in it for another job, a conversation is not opened for a second agent', async () => {
  const { pid, start } = identify(process.pid);
  const agent_process = { pid, start, command: 'codex', pane_pid: pid };
  const other = { id: 'other', record: lost({}, { job_id: 'other', status: 'working', agent_process }) };
  const job = { id: 'one', record: lost({}, { job_id: 'one', workdir: folder }) };
  const parts = (open: unknown[], holder?: string) =>
    ({
      registrar: {
        open,
        meant: async (id: string) => id,
        find: async (id: string) => (id === 'one' ? job : other),
      },
      conversations: {
        holderOf: () => holder,
        opening: () => Promise.reject(new Error('opened')),
      },
    }) as unknown as Parameters<typeof resumeJob>[0];
  const resume = (...asked: Parameters<typeof parts>) =>
    resumeJob(parts(...asked), 'one', { agent: 'codex' } as Parameters<typeof resumeJob>[2]);
  await expect(resume([other])).rejects.toThrow('job other has it as well');
  await expect(resume([], 'other')).rejects.toThrow('job other has it as well');
  await expect(resume([])).rejects.toThrow('opened');
  const elsewhere = { ...other, record: { ...other.record, conversation: undefined } };
  await expect(resume([elsewhere])).rejects.toThrow('opened');
});
