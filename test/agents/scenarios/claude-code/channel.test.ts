import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { pause, until } from '../../../support/until.ts';
import type { AgentLab } from '../../lab.ts';
import { testOf } from '../../lab-test.ts';
import type { Model, ModelRequest, ModelStep } from '../../model/script.ts';
import { homeOf } from '../../programs.ts';

const test = testOf(homeOf('claude-code'));

/**
 * Whether an account may use channels is a flag that Claude Code fetches and caches in its configuration. Here the test
 * writes it there, and makes Claude Code read the cache although it fetches nothing.
 */
const FLAGS = { tengu_harbor: true };
const KEPT = 'CLAUDE_CODE_GB_DISK_CACHE_WHEN_TELEMETRY_OFF=1';
const CHANNEL = '--dangerously-load-development-channels server:mam';
/** Nobody answers a dialog sooner, and Claude Code ignores keys in its first 150 ms. */
const HUMAN_MS = 400;

/** Claude Code with our server in its configuration, in a pane, as a person starts it. */
async function start(lab: AgentLab, model: Model, { flags = FLAGS as object } = {}) {
  await lab.prepare(model);
  lab.expected.push(/^h\/installed\.json$/);
  expect((await lab.mam('install', 'claude-code')).code).toBe(0);
  const file = join(lab.folder, 'home', '.claude.json');
  const state = JSON.parse(readFileSync(file, 'utf8'));
  state.mcpServers.mam.env = { MAM_CHANNEL: '1' };
  writeFileSync(file, JSON.stringify({ ...state, cachedGrowthBookFeatures: flags }));
  await lab.startSession(lab.session, `exec env ${KEPT} claude ${CHANNEL}`);
  if (flags === FLAGS) {
    await lab.shows(/I am using this for local development/);
    await pause(HUMAN_MS);
    await lab.type('Enter');
  }
  const servers = join(lab.home, 'servers');
  await until('its server is there', () => existsSync(servers) && readdirSync(servers).length > 0, 20_000);
  await lab.shows(/^❯/m);
}

/** A supervisor's model: delegates what it is asked to, and looks when the channel mentions the job. */
function supervisor(lab: AgentLab) {
  const asked: ModelRequest[] = [];
  const model = (request: ModelRequest): ModelStep => {
    asked.push(request);
    const { prompts, results } = request;
    const told = prompts.filter((text) => text.startsWith('<channel '));
    if (results.length === 0)
      return { call: 'delegate_job', args: { prompt: 'Hang up the key', agent: 'human' } };
    if (results.length <= told.length) return { call: 'job_status', args: { job_id: lab.jobIds()[0] ?? '' } };
    return { say: told.length > 0 ? `I have looked ${told.length}.` : 'It is delegated.' };
  };
  return { model, asked };
}

describe('claude-code, with our server as its channel', () => {
  test('a supervisor whose turn is over is notified of each change, and looks', async ({ lab }) => {
    const { model, asked } = supervisor(lab);
    await start(lab, model);
    await lab.say('Have the key hung up');
    await lab.shows(/It is delegated\./);
    const [id = ''] = lab.jobIds();
    const peer = await lab.startPeerServer();
    await peer.report(id, 'question', { detail: 'On the left?' });
    await lab.shows(/I have looked 1\./);
    await peer.report(id, 'completed', { detail: 'It hangs.' });
    await lab.shows(/I have looked 2\./);
    const call = `call the MCP tool job_status (server mam) with job_id "${id}".`;
    const [, first, second] = asked.at(-1)?.prompts ?? [];
    expect(first).toBe(
      `<channel source="mam" job_id="${id}" status="input_required" reason="question" agent="human">\nJob ${id} needs you (question): ${call}\n</channel>`,
    );
    expect(second).toContain(`status="completed" agent="human">\nJob ${id} is completed: ${call}`);
    expect(asked.at(-1)?.results.map(({ tool }) => tool)).toEqual([
      'delegate_job',
      'job_status',
      'job_status',
    ]);
  });

  test('if the account has no channels, nothing is sent and nothing breaks', async ({ lab }) => {
    const { model, asked } = supervisor(lab);
    await start(lab, model, { flags: {} });
    await lab.say('Have the key hung up');
    await lab.shows(/It is delegated\./);
    const [id = ''] = lab.jobIds();
    const peer = await lab.startPeerServer();
    await peer.report(id, 'question', { detail: 'On the left?' });
    const { data } = await lab.event(id, 'notified');
    expect(data).toMatchObject({ how: 'channel' });
    await lab.say('And now?');
    expect(asked.at(-1)?.prompts).toEqual(['Have the key hung up', 'And now?']);
  });
});
