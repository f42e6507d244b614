import { describe, expect } from 'vitest';
import { builtIn } from '../../../src/agents/index.ts';
import { until } from '../../support/until.ts';
import { testOf } from '../lab-test.ts';
import type { ModelRequest } from '../model/script.ts';
import { done, worker } from '../model/worker.ts';
import { HOMES } from '../programs.ts';

/** What the screen says in a permission mode, where it says it. */
const SHOWS: Readonly<Record<string, RegExp>> = {
  'claude-code manual': /manual mode on/,
  'claude-code default': /manual mode on/,
  'claude-code acceptEdits': /accept edits on/,
  'claude-code plan': /plan mode on/,
  'claude-code auto': /auto mode on/,
  'claude-code dontAsk': /don't ask on/,
  'claude-code bypassPermissions': /bypass permissions on/,
  'gemini auto_edit': /auto-accept edits/,
  'gemini plan': /\bplan\b/,
  'gemini yolo': /YOLO/,
  'opencode build': /\bBuild\b/,
  'opencode plan': /\bPlan\b/,
};
/** Claude Code skips permissions as root only where it is told that nothing can be lost. */
const ENV: Readonly<Record<string, Record<string, string>>> = { 'claude-code': { IS_SANDBOX: '1' } };
const RULES = 'Never climb without a rope.';

describe.each(HOMES)('$kind', (home) => {
  const test = testOf(home);
  const modes = Object.keys(builtIn(home.kind)?.start?.permissionModes ?? {});

  test.for(modes)('as a profile with permission mode %s it takes its jobs', async (mode, { lab }) => {
    const bodies: ModelRequest[] = [];
    const { model } = worker(done);
    await lab.prepare(
      (request) => {
        bodies.push(request);
        return model(request);
      },
      // What its own arguments say would contradict the mode.
      { ask: true },
    );
    lab.sessions.add('mine');
    const mine = { extends: home.kind, permission_mode: mode, preamble: RULES, env: ENV[home.kind] ?? {} };
    lab.configure({ agents: { mine } });
    const started = await lab.mam('start', 'mine');
    const said = `${started.stdout}\n${started.stderr}`;
    const shown = () => lab.tmux('capture-pane', '-p', '-J', '-t', '=mine:').catch(() => 'no session');
    // Claude Code warns of this mode until a person has accepted it once.
    const isWarning = said.includes('Bypass Permissions mode');
    expect(started.code, `${said}\n${await shown()}`).toBe(isWarning ? 4 : 0);
    if (isWarning) {
      await lab.tmux('send-keys', '-t', '=mine:', 'Down');
      await until('it is chosen', async () => /❯ Yes, I accept/.test(await shown()));
      await lab.tmux('send-keys', '-t', '=mine:', 'Enter');
      await until('the warning is gone', async () => /⏵⏵/.test(await shown()));
    }
    const screen = await shown();
    const shows = SHOWS[`${home.kind} ${mode}`];
    if (shows !== undefined) expect(screen).toMatch(shows);
    const server = await lab.startServer();
    const ours = async () =>
      (await server.ask('list_agents')).agents.find(({ agent }: { agent: string }) => agent === 'mine');
    await until('its server is connected', async () => (await ours())?.peer_server === 'connected');
    const job = { prompt: 'Mend the roof', agent: 'mine' };
    const { job_id: id, peer_server, warnings } = await server.ask('delegate_job', job);
    expect({ peer_server, warnings }).toEqual({ peer_server: 'connected', warnings: [] });
    // On a busy machine, the dialog of a report that our hook allows at once may be seen first.
    await until('it has ended', () => lab.record(id).final_at !== undefined, 60_000).catch(() => {});
    expect(lab.record(id), await shown()).toMatchObject({
      ...{ status: 'completed', agent: home.kind, profile: 'mine' },
    });
    expect(lab.events(id).some(({ type }) => type === 'acknowledged')).toBe(true);
    expect(bodies.map(({ body }) => JSON.stringify(body)).join('\n')).toContain(RULES);
  });
});
