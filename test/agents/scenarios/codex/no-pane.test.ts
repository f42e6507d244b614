import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { testOf } from '../../lab-test.ts';
import type { ModelRequest } from '../../model/script.ts';
import { homeOf } from '../../programs.ts';

const AGENT_MS = 30_000;
const JOB = { prompt: 'Mend the roof', agent: 'command', agent_session: 'tmux:robot', notify: 'pane' };

describe("Codex whose server can't know its pane", () => {
  const test = testOf(homeOf('codex'));

  test.for([
    { why: 'its variables are not named', args: ['--no-daemon'], named: false },
    { why: 'its servers run in the background process', args: [], named: true },
  ])('since $why: refused with what to do, and no job is left', async ({ args, named }, { lab }) => {
    const asked: ModelRequest[] = [];
    await lab.prepare((request) => {
      asked.push(request);
      return request.results.length > 0 ? { say: 'It was refused.' } : { call: 'delegate_job', args: JOB };
    });
    lab.expected.push(/^h\/installed\.json$/);
    expect(await lab.mam('install', 'codex')).toMatchObject({ code: 0 });
    const config = join(lab.env['CODEX_HOME'] ?? '', 'config.toml');
    const text = readFileSync(config, 'utf8');
    expect(text).toContain('"TMUX_PANE"');
    if (!named) writeFileSync(config, text.replaceAll(/"TMUX(?:_PANE)?",? ?/g, ''));
    await lab.startPeer('mute', { session: 'robot' });
    await lab.startSession(lab.session, ['exec codex', ...args].join(' '));
    await lab.shows(/^›/m, AGENT_MS);
    await lab.say('please go');
    await lab.shows(/It was refused/, AGENT_MS);
    const refusal = asked.at(-1)?.results[0]?.text;
    expect(refusal).toContain('As far as this server can see, you are not running in a tmux pane');
    expect(refusal).toContain('Leave `notify` out, and wait with wait_job');
    expect(refusal).toContain('TMUX_PANE');
    expect(lab.jobIds()).toEqual([]);
  });
});
