import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { builtIn } from '../../../src/agents/index.ts';
import { dataOf } from '../../../src/job/event.ts';
import { pause, until } from '../../support/until.ts';
import type { AgentLab } from '../lab.ts';
import { testOf } from '../lab-test.ts';
import type { ModelRequest, ModelStep } from '../model/script.ts';
import { HOMES } from '../programs.ts';

/** Longer than a line takes to reach an idle supervisor. */
const WAKE_MS = 5_000;
const AGENT_MS = 30_000;
const LINE = /\bJob ([a-z0-9-]+) is completed: call the MCP tool job_status \(server mam\)/;

describe.each(HOMES)('$kind that supervises in a pane and does not wait', (home) => {
  const test = testOf(home);
  const args = home.kind === 'codex' ? ['--no-daemon'] : (home.args?.({ ask: false }) ?? []);

  /** The agent as a person starts it, with the server that `mam install` gives it; its model delegates when told "go". */
  async function start(lab: AgentLab, more: { args?: string[]; meanwhile?: () => Promise<ModelStep> } = {}) {
    const asked: ModelRequest[] = [];
    const { meanwhile = async () => ({ say: 'I end my turn.' }) } = more;
    await lab.prepare((request) => {
      asked.push(request);
      const id = LINE.exec(request.prompts.at(-1) ?? '')?.[1];
      if (id !== undefined) {
        const looked = request.results.some(
          ({ tool, text }) => isTool(tool, 'job_status') && text.includes(id),
        );
        return looked ? { say: 'I have the result.' } : { call: 'job_status', args: { job_id: id } };
      }
      const delegated = request.results.some(({ tool }) => isTool(tool, 'delegate_job'));
      return delegated ? meanwhile() : { call: 'delegate_job', args: JOB };
    });
    const installed = await lab.mam('install', home.kind);
    expect(installed.code, installed.stderr).toBe(0);
    lab.expected.push(/^h\/installed\.json$/);
    await lab.startPeer('mute', { session: 'robot' });
    const program = builtIn(home.kind)?.start?.program ?? home.kind;
    await lab.startSession(lab.session, ['exec', program, ...(more.args ?? args)].join(' '));
    return { asked, lines: () => lines(asked) };
  }

  /** Waits until its server is in its pane: a program that is just starting its servers may not take Enter. */
  async function go(lab: AgentLab): Promise<void> {
    const servers = join(lab.home, 'servers');
    const isThere = () => existsSync(servers) && readdirSync(servers).length > 0;
    await until('its server is there', isThere, AGENT_MS);
    await lab.say('please go');
  }

  const delegated = (lab: AgentLab) => until('it has delegated', () => lab.jobIds()[0], AGENT_MS);

  test('is notified once in its own pane, and its model gets the result', async ({ lab }) => {
    const { asked, lines } = await start(lab);
    await go(lab);
    const id = await delegated(lab);
    await lab.shows(/I end my turn/);
    await (await lab.startPeerServer()).report(id, 'completed', { detail: 'The roof is mended.' });
    const began = Date.now();
    await lab.shows(/I have the result/, AGENT_MS);
    const typed = lab.events(id).find((event) => dataOf(event).how === 'typing');
    process.stdout.write(
      `${home.kind}: the line came after ${Date.parse(typed?.recorded_at ?? '') - began} ms\n`,
    );
    const result = asked.at(-1)?.results.find(({ tool }) => isTool(tool, 'job_status'));
    expect(result?.text).toContain('The roof is mended.');
    await until('it is known to be submitted', () => how(lab, id).includes('typed'));
    await pause(WAKE_MS);
    expect(lines()).toHaveLength(1);
    expect(how(lab, id)).toEqual(['typing', 'typed']);
  });

  test("is not notified while a person's draft is in its box", async ({ lab }) => {
    const { lines } = await start(lab);
    await go(lab);
    const id = await delegated(lab);
    await lab.shows(/I end my turn/);
    const draft = 'half a sentence';
    await lab.type('-l', draft);
    await lab.shows(new RegExp(draft));
    await (await lab.startPeerServer()).report(id, 'completed');
    await pause(WAKE_MS);
    expect(how(lab, id)).toEqual([]);
    await lab.shows(new RegExp(draft));
    await lab.type(...Array.from({ length: draft.length }, () => 'BSpace'));
    await lab.shows(/I have the result/, AGENT_MS);
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).not.toContain(draft);
  });

  test('is notified after its current turn', async ({ lab }) => {
    let end: (step: ModelStep) => void = () => {};
    const held = new Promise<ModelStep>((resolve) => {
      end = resolve;
    });
    const { lines, asked } = await start(lab, { meanwhile: () => held });
    await go(lab);
    const id = await delegated(lab);
    await until('its turn continues', () => asked.length > 1, AGENT_MS);
    await (await lab.startPeerServer()).report(id, 'completed');
    await pause(WAKE_MS);
    expect(how(lab, id)).toEqual([]);
    end({ say: 'Only now I end my turn.' });
    await lab.shows(/I have the result/, AGENT_MS);
    expect(lines()).toHaveLength(1);
    expect(asked.at(-1)?.results.filter(({ tool }) => isTool(tool, 'job_status'))).toHaveLength(1);
  });
});

const JOB = { prompt: 'Mend the roof', agent: 'command', agent_session: 'tmux:robot', notify: 'pane' };

/** The prompts started by our line, each once. */
function lines(asked: ModelRequest[]): string[] {
  return [...new Set(asked.flatMap(({ prompts }) => prompts.filter((text) => LINE.test(text))))];
}

/** OpenCode's own name for them starts with mam_. */
function isTool(tool: string, name: string): boolean {
  return tool === name || tool === `mam_${name}`;
}

function how(lab: AgentLab, jobId: string): unknown[] {
  return lab.events(jobId).flatMap((event) => (event.type === 'notified' ? [dataOf(event).how] : []));
}
