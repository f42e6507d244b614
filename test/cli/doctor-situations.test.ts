import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startOf } from '../../src/base/processes.ts';
import { aboveAll } from '../../src/doctor/user.ts';
import { homePaths } from '../../src/registry/home.ts';
import { thisOwner } from '../../src/registry/lock.ts';
import { finding, lookWith, runDoctor } from '../support/doctor.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { plant, signed } from '../support/plant.ts';
import { until } from '../support/until.ts';

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
  lab.expected.push(NOT_OURS);
});
afterEach(() => lab.end());

const look = (names: string[], more?: Record<string, string>) => lookWith(lab, names, more);

function put(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** Makes a file or folder this many minutes older; younger when negative. */
function age(path: string, minutes: number): string {
  const at = new Date(Date.now() - minutes * 60_000);
  utimesSync(path, at, at);
  return path;
}

describe('a request through the hub, as a client makes it', () => {
  test('succeeds; none is made where no hub runs', async () => {
    expect((await look(['request'])).findings).toEqual([]);
    await lab.startSession('one', 'exec sleep 1000');
    await lab.mam('hub', 'restart');
    // From now on it has a hidden session there, which comes before this one.
    await lab.mam('agents');
    const report = await runDoctor(lab);
    expect(report.of('hub.request')).toMatchObject({ level: 'ok' });
    expect(report.all('hub.tmux')).toEqual([]);
    expect(report.ok).toBe(true);
  });

  test('finds a registry that the hub may not write, and a tmux that it does not reach', async () => {
    await lab.startSession('one', 'exec sleep 1000');
    const bin = join(lab.folder, 'bin');
    put(join(bin, 'tmux'), '#!/bin/sh\necho "no such luck" >&2\nexit 1\n');
    chmodSync(join(bin, 'tmux'), 0o755);
    symlinkSync(process.execPath, join(bin, 'node'));
    await lab.start(['hub', 'restart'], { env: { PATH: bin } }).ended;
    const found = await look(['request']);
    // Whatever this hub makes of its PATH: the doctor says what a client is told.
    const agents = await lab.mam('agents');
    expect(found.all('hub.tmux').map(({ level }) => level)).toEqual(agents.code === 0 ? [] : ['problem']);
    const registry = `${put(join(lab.folder, 'file'), '')}/jobs`;
    const refused = (await look(['request'], { MAM_REGISTRY_DIR: registry })).of('hub.request');
    expect(refused).toMatchObject(finding('problem', { title: registry }));
  });

  test('a hub in another pid namespace is reported', async () => {
    await lab.mam('hub', 'restart');
    const { pid } = lab.hub(lab.home);
    const owner = { ...thisOwner(lab.home), pid, ns: 'pid:[1]' };
    const file = join(lab.home, 'hub.owner');
    renameSync(file, `${file}.kept`);
    put(file, JSON.stringify(owner));
    expect((await look(['hub'])).of('hub.namespace')).toMatchObject({ level: 'note' });
    renameSync(`${file}.kept`, file);
    expect((await look(['hub'])).all('hub.namespace')).toEqual([]);
  });
});

test("a project's file names the command mam: where that is not on the PATH, it says so", async () => {
  const bin = join(lab.folder, 'bin');
  put(join(bin, 'none'), '');
  symlinkSync(process.execPath, join(bin, 'node'));
  put(join(lab.project, '.mcp.json'), JSON.stringify({ mcpServers: { mam: { command: 'mam', args: [] } } }));
  const found = (await look(['client claude-code'], { PATH: bin })).of('client.claude-code.program');
  expect(found).toMatchObject(
    finding('problem', { title: 'it is not on the PATH', remedy: 'Put the command mam on the PATH' }),
  );
});

describe('hooks that are switched off', () => {
  test.each([
    ['claude-code', '.claude/settings.json', '{"disableAllHooks": true}', 'disableAllHooks'],
    ['claude-code', 'p/.claude/settings.local.json', '{"disableAllHooks": true}', 'disableAllHooks'],
    ['codex', '.codex/config.toml', '[features]\nhooks = false\n', 'features.hooks'],
    ['gemini', '.gemini/settings.json', '{"hooksConfig": {"enabled": false}} // off', 'hooksConfig.enabled'],
    ['gemini', 'p/.gemini/settings.json', '{"hooks": {"disabled": ["mam"]}}', 'hooks.disabled'],
  ])('of %s in %s', async (agent, file, text, words) => {
    expect((await look(['hooks'])).findings).toEqual([]);
    const path = put(join(lab.folder, file), text);
    const found = (await look(['hooks'])).of(`agent.${agent}.hooks`);
    expect(found).toMatchObject(finding('problem', { title: path }));
    expect(found.title).toContain(words);
  });

  test('of OpenCode, by its environment; what is not switched off, or cannot be read, gives nothing', async () => {
    put(join(lab.folder, '.claude/settings.json'), '{"disableAllHooks": false}');
    put(join(lab.folder, '.codex/config.toml'), 'features = [');
    expect((await look(['hooks'])).findings).toEqual([]);
    expect((await look(['hooks'], { OPENCODE_PURE: '1' })).of('agent.opencode.hooks').level).toBe('problem');
  });
});

describe('jobs and their files', () => {
  test('a registry that is away, and the reports that wait for it', async () => {
    plant(lab, 'open-job');
    renameSync(lab.registry, `${lab.registry}.away`);
    const claim = { event_id: 'e1', job_id: 'open-job', type: 'completed', source: 'peer', at: '' };
    age(put(join(lab.home, 'outbox', 'cli-1-000000001.json'), JSON.stringify(claim)), 3);
    const found = await look(['registry', 'hub']);
    expect(found.of('registry.away')).toMatchObject(
      finding('problem', { title: lab.registry, remedy: 'Mount its disk' }),
    );
    expect(found.all('registry.live')).toEqual([]);
    expect(found.of('hub.outbox')).toMatchObject({
      ...{ level: 'problem', title: expect.stringMatching(/One event waits .* the oldest for 3 min/) },
      detail: `1 of job open-job: The registry ${lab.registry} of job open-job is unavailable: it is missing.`,
    });
    rmSync(join(lab.home, 'outbox'), { recursive: true });
    renameSync(`${lab.registry}.away`, lab.registry);
    expect((await look(['registry'])).all('registry.away')).toEqual([]);
  });

  test('folders of jobs that were never made, and a job.json that is behind its journal', async () => {
    plant(lab, 'whole');
    age(put(join(lab.registry, 'half-made-1a2b3c4d', 'prompt.md'), 'x'), 5);
    age(join(lab.registry, 'half-made-1a2b3c4d'), 5);
    mkdirSync(join(lab.registry, 'half-made-5e6f7g8h'));
    mkdirSync(join(lab.registry, 'my-own'));
    put(join(lab.registry, 'my-own', 'notes.txt'), 'mine');
    for (const name of ['half-made-5e6f7g8h', 'my-own']) age(join(lab.registry, name), 5);
    expect((await look(['registry'])).of('registry.half-made')).toMatchObject({
      ...{ level: 'note', title: expect.stringMatching(/^2 folders in .* never created: they have/) },
      detail: 'half-made-1a2b3c4d\nhalf-made-5e6f7g8h',
    });
    const old = new Date(Date.now() - 60_000).toISOString();
    const id = 'behind';
    plant(lab, id);
    const event = { event_id: 'e2', job_id: id, source: 'peer', at: old, recorded_at: old };
    appendFileSync(lab.paths(id).journal, signed(lab.home, id, { seq: 2, type: 'progress', ...event }));
    put(lab.paths(id).record, JSON.stringify({ job_id: id, status: 'queued', seq: 1 }));
    expect((await look(['registry'])).of('registry.record').title).toBe(
      'Job behind is working, but its job.json says queued, as it was after event 1 of 2.',
    );
    rmSync(join(lab.registry, 'my-own'), { recursive: true });
  });

  test('what killed processes have left in the home does no harm, and is named', async () => {
    put(join(lab.home, 'servers', '4194304.json'), '{}');
    put(join(lab.home, 'servers', `${process.pid}.json`), '{}');
    age(put(join(lab.home, 'spool', 'abc'), 'x'), 120);
    const kept = age(put(join(lab.home, 'spool', 'kept-text.txt'), 'x'), 120);
    put(join(lab.home, 'outbox', 'w-000000001.json'), JSON.stringify({ result_spool: kept }));
    age(put(join(lab.home, 'installed.json.0123abcd.tmp'), 'x'), 5);
    const found = await look(['leftovers']);
    for (const id of ['home.servers', 'home.spool', 'home.torn']) expect(found.of(id).level).toBe('note');
    // What a kept event still needs is not among them.
    expect(found.of('home.spool').title).toContain('spool/abc');
    expect(found.of('home.servers').title).toContain('4194304.json');
    rmSync(lab.home, { recursive: true });
  });

  test('a clock that is behind what was written', async () => {
    plant(lab, 'open-job');
    expect((await look(['clock'])).findings).toEqual([]);
    age(lab.paths('open-job').journal, -90);
    expect((await look(['clock'])).of('home.clock')).toMatchObject({
      ...{ level: 'problem', title: expect.stringMatching(/events\.jsonl is from .*, 90 min from now/) },
    });
  });
});

test('a tmux server whose socket was swept away is named, with what brings it back', async () => {
  await lab.startSession('one', 'exec sleep 1000');
  const pid = await lab.tmux('display-message', '-p', '#{pid}');
  expect((await look(['tmux swept'])).findings).toEqual([]);
  rmSync(lab.socket);
  expect((await look(['tmux sockets'])).findings.map(({ id }) => id)).not.toContain('tmux.socket');
  expect((await look(['tmux swept'])).of('tmux.swept')).toMatchObject(
    finding('problem', { title: `process ${pid}`, remedy: `kill -USR1 ${pid}` }),
  );
  process.kill(Number(pid), 'SIGUSR1');
  await until('it is back', async () => (await lab.tmux('list-sessions')).includes('one'));
  expect((await look(['tmux swept'])).findings).toEqual([]);
});

test('a text of ours that may stand in a pane is named while the pane is there', async () => {
  await lab.startSession('one', 'exec sleep 1000');
  const pid = Number(await lab.tmux('display-message', '-p', '-t', '=one:', '#{pane_pid}'));
  const text = {
    ...{ socket: lab.socket, pane: '%0', pane_pid: pid, pane_start: startOf(pid), jobs: ['roof-1a2b3c4d'] },
    ...{ what: 'order', agent: 'command', text: 'x', mark: 'm', prompt: '', screen: '' },
  };
  const note = (minutes: number) =>
    put(
      join(homePaths(lab.home).panes, 'abcdefgh'),
      `${JSON.stringify({ ...text, at: new Date(Date.now() - minutes * 60_000).toISOString() })}\n`,
    );
  // One that is on its way leaves its box in the next moment.
  const file = note(0);
  const looking = look(['pane texts']);
  rmSync(file);
  expect((await looking).findings).toEqual([]);
  note(0);
  expect((await look(['pane texts'])).of('tmux.text')).toMatchObject(
    finding('problem', { title: 'pane %0', remedy: 'mam attach roof-1a2b3c4d' }),
  );
  await lab.tmux('kill-session', '-t', '=one');
  await until('its pane is gone', () => startOf(pid) === undefined);
  expect((await look(['pane texts'])).findings).toEqual([]);
  writeFileSync(file, '{bad');
  expect((await look(['pane texts'])).findings).toEqual([]);
  const past = Date.now() / 1000 - 300;
  utimesSync(file, past, past);
  expect((await look(['pane texts'])).of('tmux.note')).toMatchObject(
    finding('problem', { title: file, remedy: 'remove the file' }),
  );
  rmSync(file);
});

test('who runs this: an empty HOME, a registry above all projects', async () => {
  expect((await look(['user'])).findings).toEqual([]);
  expect((await look(['user'], { HOME: '' })).of('settings.home')).toMatchObject(
    finding('problem', { remedy: 'Set HOME' }),
  );
  expect(aboveAll(lab.folder)).toEqual([]);
  mkdirSync(join(lab.folder, '.mam'));
  expect(aboveAll(lab.folder)).toMatchObject([{ id: 'settings.root', level: 'note' }]);
});
