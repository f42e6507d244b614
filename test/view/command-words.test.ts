import { expect, test } from 'vitest';
import { commands } from '../../src/cli/index.ts';
import { commandWords } from '../../src/view/command-words.ts';

test('every tool with a command is named by that command', async () => {
  for (const [name, listed] of Object.entries(commands)) {
    const { json } = await listed.load();
    if (typeof json === 'string' || ['allow', 'deny', 'done'].includes(name)) continue;
    expect(commandWords(`Call ${json.tool}.`)).toBe(`Run \`mam ${name}\`.`);
  }
});

test.each([
  ['Try timeout_seconds 3600.', 'Try --timeout 3600.'],
  ['Try idle_timeout_seconds 3600.', 'Try --idle-timeout 3600.'],
  [
    'Look at job_status; wait_job reports the next one.',
    'Look at `mam status`; `mam wait` reports the next one.',
  ],
  ['Call list_agents (`mam agents`) for all of them.', 'Run `mam agents` for all of them.'],
  ['If you mean that, answer with request_id "r-1".', 'If you mean that, answer with --request r-1.'],
  ['no permission request with this request_id, and', 'no permission request with this id, and'],
  ['say so with trust_pane true (`--trust-pane`), or', 'say so with `--trust-pane`, or'],
  ['with `start` true (`--start` in a shell), or by', 'with `--start`, or by'],
  [
    'ask your supervisor with publish_event, event question.',
    'ask your supervisor with `mam publish --event question`.',
  ],
  [
    'use agent "command" with agent_session "tmux:NAME"; more',
    'use --agent command with --agent-session tmux:NAME; more',
  ],
  ['Delegate with agent "human"; the person', 'Delegate with --agent human; the person'],
  ['delegate with on_busy "queue", or name', 'delegate with --on-busy queue, or name'],
])('%s', (text, words) => expect(commandWords(text)).toBe(words));
