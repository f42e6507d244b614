import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { prepare, readConfig, replaceConfig, restoreConfig } from '../../src/install/disk/files.ts';
import { allowedTools } from '../../src/install/own-tools.ts';
import type { Ended } from '../support/command.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { PROGRAM } from '../support/mcp-client.ts';

const ALL_TOOLS = allowedTools(true);

let lab: Lab;
let claudeFile: string;
let settingsFile: string;
let codexFile: string;
let geminiFile: string;
beforeEach(() => {
  lab = new Lab();
  lab.expected.push(NOT_OURS, /^h\/installed\.json$/);
  claudeFile = join(lab.folder, '.claude.json');
  settingsFile = join(lab.folder, '.claude', 'settings.json');
  codexFile = join(lab.folder, '.codex', 'config.toml');
  geminiFile = join(lab.folder, '.gemini', 'settings.json');
});
afterEach(() => lab.end());

async function install(
  client: string,
  args: string[] = [],
  options: Parameters<Lab['start']>[1] = {},
): Promise<Ended> {
  const ended = await lab.start(['install', client, ...args], options).ended;
  expect(ended.stdout + ended.stderr).not.toMatch(/\n\s+at |node:internal|TypeError/);
  return ended;
}

function plant(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}
const text = (path: string): string => readFileSync(path, 'utf8');
const mode = (path: string): number => statSync(path).mode & 0o777;
const backups = (path: string): string[] =>
  readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.before-mam-`));
/** Every file of the lab, but of the hub's home. */
function everything(): Record<string, string> {
  const files = readdirSync(lab.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(lab.home));
  return Object.fromEntries(files.map((path) => [path, text(path)]));
}

describe('Claude Code', () => {
  test('gets the server and the rules of peers, for all projects', async () => {
    const first = await install('claude-code');
    expect(first).toMatchObject({ code: 0 });
    expect(JSON.parse(text(claudeFile))).toEqual({
      mcpServers: { mam: { type: 'stdio', command: process.execPath, args: [PROGRAM], timeout: 86_400_000 } },
    });
    expect(JSON.parse(text(settingsFile))).toEqual({
      permissions: { allow: ['mcp__mam__publish_event', 'mcp__mam__job_status'] },
    });
    expect([mode(claudeFile), mode(settingsFile)]).toEqual([0o600, 0o600]);
    expect(first.stdout).toContain('Restart Claude Code');
    expect(first.stdout).toContain('claude mcp list');
    const before = everything();
    const again = await install('claude-code');
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('already installed; nothing changes');
    expect(everything()).toEqual(before);
    // Nothing starts a hub for this.
    expect(lab.hubs).toEqual([]);
  });

  test('for one project', async () => {
    const below = join(lab.project, 'a', 'b');
    mkdirSync(join(lab.project, '.mam'));
    mkdirSync(below, { recursive: true });
    const ended = await install('claude-code', ['--project'], { cwd: below });
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('its preselected answer is no');
    expect(ended.stdout).toContain('everyone who uses the project needs it on the PATH');
    // Others use these files too.
    expect(text(join(lab.project, '.mcp.json'))).toContain('"command": "mam",\n      "args": []');
    expect(Object.keys(everything()).sort()).toEqual(
      ['.claude/settings.json', '.mcp.json'].map((name) => join(lab.project, name)),
    );
    expect(mode(join(lab.project, '.mcp.json'))).toBe(0o666 & ~process.umask());
    expect((await install('claude-code', ['--project', '--uninstall'], { cwd: lab.project })).code).toBe(0);
    expect(everything()).toEqual({});
    expect(readdirSync(lab.project)).toEqual(['.mam', 'a']);
  });

  test('with its own configuration folder', async () => {
    const folder = join(lab.folder, 'elsewhere');
    await install('claude-code', ['--user'], { env: { CLAUDE_CONFIG_DIR: folder } });
    expect(Object.keys(everything()).sort()).toEqual(
      ['.claude.json', 'settings.json'].map((name) => join(folder, name)),
    );
  });

  test('keeps what was there: order, indentation, mode, links, and a copy of the old file', async () => {
    const kept = join(lab.folder, 'dotfiles', 'claude.json');
    const before = '{\n\t"z": 1,\n\t"mcpServers": {\n\t\t"x": {}\n\t},\n\t"a": 2\n}';
    plant(kept, before, 0o640);
    symlinkSync('dotfiles/claude.json', claudeFile);
    const rules = '{\n    "permissions": {\n        "allow": [ "mcp__mam__job_status" ]\n    }\n}\n';
    plant(settingsFile, rules);
    expect((await install('claude-code')).code).toBe(0);
    expect(lstatSync(claudeFile).isSymbolicLink()).toBe(true);
    expect(mode(kept)).toBe(0o640);
    expect(text(kept)).toMatch(
      /^\{\n\t"z": 1,\n\t"mcpServers": \{\n\t\t"x": \{\},\n\t\t"mam": \{\n\t\t\t"type"/,
    );
    const [backup = ''] = backups(kept);
    expect(backup).toMatch(/^claude\.json\.before-mam-\d{8}-\d{6}$/);
    expect(text(join(dirname(kept), backup))).toBe(before);
    expect(mode(join(dirname(kept), backup))).toBe(0o640);
    const out = await install('claude-code', ['--uninstall']);
    expect(out).toMatchObject({ code: 0 });
    // The rule that the user had before stays.
    expect([text(claudeFile), text(settingsFile)]).toEqual([before, rules]);
    // The file says again what its copy says.
    expect(out.stdout).toContain(`removed    ${join(dirname(kept), backup)}`);
    expect([...backups(kept), ...backups(settingsFile)]).toEqual([]);
    const again = await install('claude-code', ['--uninstall']);
    expect(again.stdout).toContain('Nothing from mam install is in');
    expect(readdirSync(lab.home)).toEqual([]);
  });

  test('writes neither file when one of them can not be read', async () => {
    plant(claudeFile, '{"a": 1}');
    plant(settingsFile, '{\n  "permissions": {}, // mine\n}\n');
    const before = everything();
    for (const args of [[], ['--dry-run'], ['--uninstall']]) {
      const ended = await install('claude-code', args);
      expect(ended).toMatchObject({ code: 69, stdout: '' });
      expect(ended.stderr).toContain(`${settingsFile} is not valid JSON: line 2, column 22`);
    }
    expect(everything()).toEqual(before);
    writeFileSync(settingsFile, Buffer.from([0x7b, 0xff, 0x7d]));
    expect((await install('claude-code')).stderr).toContain('is not UTF-8 text');
  });

  test('becomes a channel with --channel, and says how to start it', async () => {
    const first = await install('claude-code', ['--channel']);
    expect(first.stdout).toContain('claude --dangerously-load-development-channels server:mam');
    expect(JSON.parse(text(claudeFile)).mcpServers.mam.env).toEqual({ MAM_CHANNEL: '1' });
    expect((await install('claude-code', ['--channel'])).stdout).toContain('nothing changes');
    const without = await install('claude-code');
    expect(without.stdout).not.toContain('development-channels');
    expect(text(claudeFile)).not.toContain('MAM_CHANNEL');
    await install('claude-code', ['--uninstall']);
    expect(everything()).toEqual({});
  });

  test('is not taken out if the user has changed it, nor anything else', async () => {
    await install('claude-code');
    writeFileSync(claudeFile, text(claudeFile).replace('86400000', '5000'));
    const before = everything();
    const refused = await install('claude-code');
    expect(refused).toMatchObject({ code: 69, stdout: '' });
    expect(refused.stderr).toContain('claude mcp remove mam --scope user');
    for (const args of [[], ['--json'], ['--dry-run']]) {
      const out = await install('claude-code', ['--uninstall', ...args]);
      expect(out.code).toBe(69);
      expect(out.stdout + out.stderr).toMatch(
        /was changed since mam install wrote it \(timeout\): .*nothing was changed\. Remove it yourself \(claude mcp remove/,
      );
    }
    expect(everything()).toEqual(before);
    // As `claude mcp remove` leaves it.
    writeFileSync(claudeFile, '{ "mcpServers": {} }');
    expect((await install('claude-code', ['--uninstall'])).code).toBe(0);
    expect(everything()).toEqual({});
  });

  test('keeps what the user adds to the server, and uninstall names it and keeps a copy', async () => {
    plant(claudeFile, '{\n  "a": 1\n}\n');
    await install('claude-code');
    const more = text(claudeFile).replace('"args"', '"env": { "MAM_CHANNEL": "1" },\n      "args"');
    writeFileSync(claudeFile, more);
    const again = await install('claude-code');
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing changes') });
    const shown = await install('claude-code', ['--uninstall', '--dry-run']);
    expect(shown.stderr).toContain(
      `What you added to mam's entry in ${claudeFile} goes with it: mcpServers.mam.env. It stays in a copy next to ${claudeFile}.`,
    );
    expect(text(claudeFile)).toBe(more);
    const out = await install('claude-code', ['--uninstall']);
    expect(out.code).toBe(0);
    expect(everything()).toEqual({
      [claudeFile]: '{\n  "a": 1\n}\n',
      [join(lab.folder, backups(claudeFile)[0] ?? '')]: more,
    });
    const copy = join(lab.folder, backups(claudeFile)[0] ?? '');
    expect(out.stderr).toContain(`goes with it: mcpServers.mam.env. It stays in ${copy}.`);
    expect(out.stdout).toContain(`backup     ${copy}\n`);
    expect((await install('claude-code', ['--uninstall'])).stdout).toContain('Nothing from mam install');
  });
});

describe('Codex', () => {
  test('gets one table, and nothing else changes', async () => {
    const before = '# mine\nmodel = "x"   # why\n\n[mcp_servers.a]\ncommand = "a"';
    plant(codexFile, before, 0o600);
    const first = await install('codex');
    expect(first.code).toBe(0);
    expect(first.stdout).toContain('codex mcp list');
    expect(
      text(codexFile).startsWith(`${before}\n\n# >>> mam (written by mam install)\n[mcp_servers.mam]\n`),
    ).toBe(true);
    expect(text(codexFile)).toContain(`args = ["${PROGRAM}"]`);
    expect(mode(codexFile)).toBe(0o600);
    const after = everything();
    expect((await install('codex')).stdout).toContain('nothing changes');
    expect(everything()).toEqual(after);
    expect((await install('codex', ['--uninstall'])).code).toBe(0);
    expect(text(codexFile)).toBe(before);
  });

  test("is removed with the user's own tables of tools, and keeps a copy of them", async () => {
    await install('codex');
    const more = `${text(codexFile)}\n[mcp_servers.mam.tools.cancel_job]\napproval_mode = "approve"\n`;
    writeFileSync(codexFile, more);
    expect(await install('codex')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing changes'),
    });
    const out = await install('codex', ['--uninstall', '--json']);
    const [copy = ''] = backups(codexFile).map((name) => join(dirname(codexFile), name));
    expect(JSON.parse(out.stdout)).toMatchObject({
      changed: true,
      files: [{ path: codexFile, change: 'removed', backup: copy }],
      warnings: [expect.stringContaining('goes with it: mcp_servers.mam.tools.cancel_job. It stays in')],
    });
    // The file was made by the first install.
    expect(everything()).toEqual({ [copy]: more });
  });

  test('for one project, and in a home of its own', async () => {
    const project = await install('codex', ['--project']);
    expect(project.stdout).toContain('until the folder is trusted');
    const home = join(lab.folder, 'codex home');
    await install('codex', [], { env: { CODEX_HOME: home } });
    const files = [join(lab.project, '.codex', 'config.toml'), join(home, 'config.toml')];
    expect(Object.keys(everything()).sort()).toEqual(files.sort());
  });

  test("refuses to overwrite the user's own table", async () => {
    plant(codexFile, '[mcp_servers.mam]\ncommand = "mine"\n');
    const ended = await install('codex');
    expect(ended).toMatchObject({ code: 69, stdout: '' });
    expect(ended.stderr).toContain('codex mcp remove mam');
    const out = await install('codex', ['--uninstall']);
    expect(out).toMatchObject({ code: 69, stdout: '' });
    expect(out.stderr).toContain('was not written by mam install: it is left as it is, and nothing was');
    expect(backups(codexFile)).toEqual([]);
  });
});

describe('Gemini CLI', () => {
  test('gets the server in its settings, and the rule of peers in a file of its own', async () => {
    const before = '{\n  // mine\n  "ui": { "theme": "x" } /* why */\n}\n';
    plant(geminiFile, before);
    const first = await install('gemini');
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('gemini mcp list') });
    expect(text(geminiFile)).toContain('  // mine\n  "ui": { "theme": "x" }, /* why */\n  "mcpServers": {\n');
    const policy = join(dirname(geminiFile), 'policies', 'mam.toml');
    expect(text(policy)).toContain('mcpName = "mam"\ntoolName = ["publish_event", "job_status"]');
    const after = everything();
    expect((await install('gemini')).stdout).toContain('nothing changes');
    expect(everything()).toEqual(after);
    expect((await install('gemini', ['--uninstall'])).code).toBe(0);
    expect(everything()).toEqual({ [geminiFile]: before });
    expect(readdirSync(dirname(geminiFile))).toEqual(['settings.json']);
  });

  test('for one project, and in a home of its own', async () => {
    const project = await install('gemini', ['--project']);
    expect(project.stdout).toContain("A project can't allow single tools");
    const home = join(lab.folder, 'gemini home');
    await install('gemini', [], { env: { GEMINI_CLI_HOME: home } });
    const files = ['settings.json', 'policies/mam.toml'].map((name) => join(home, '.gemini', name));
    expect(Object.keys(everything()).sort()).toEqual(
      [...files, join(lab.project, '.gemini', 'settings.json')].sort(),
    );
    await install('gemini', ['--project', '--uninstall']);
    expect(readdirSync(lab.project)).toEqual([]);
    await install('gemini', ['--uninstall'], { env: { GEMINI_CLI_HOME: home } });
    expect(existsSync(home)).toBe(false);
  });

  test('keeps a policy that the user has changed, and never says that nothing is in it', async () => {
    await install('gemini');
    const policy = join(dirname(geminiFile), 'policies', 'mam.toml');
    writeFileSync(policy, `${text(policy)}# mine\n`);
    const kept = `${policy} was changed since mam install wrote it: it is left as it is.`;
    const out = await install('gemini', ['--uninstall']);
    expect(out).toMatchObject({ code: 0, stderr: expect.stringContaining(kept) });
    expect(out.stdout).toMatch(
      new RegExp(`mam was removed from .*\n  removed +${geminiFile}\n  unchanged +${policy}\n`),
    );
    const again = await install('gemini', ['--uninstall']);
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining(kept) });
    expect(again.stdout).toBe(`Nothing from mam install is in\n  ${geminiFile}\n`);
    expect(Object.keys(everything())).toEqual([policy]);
  });

  test('that may only start other servers is reported', async () => {
    plant(geminiFile, '{ "mcp": { "allowed": ["other"] } }');
    expect((await install('gemini')).stderr).toContain(`${geminiFile} switches mam off.`);
  });
});

describe('OpenCode', () => {
  test('gets the server and the permissions of peers', async () => {
    const before = '{\n  // mine\n  "permission": { "*": "ask", },\n}\n';
    const file = join(lab.folder, '.config', 'opencode', 'opencode.jsonc');
    plant(file, before);
    const first = await install('opencode');
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('opencode mcp list') });
    expect(text(file)).toContain('"*": "ask", "mam_publish_event": "allow", "mam_job_status": "allow",');
    const after = everything();
    expect((await install('opencode')).stdout).toContain('nothing changes');
    expect(everything()).toEqual(after);
    expect((await install('opencode', ['--uninstall'])).code).toBe(0);
    expect(everything()).toEqual({ [file]: before });
  });

  test('for one project, and in a configuration folder of its own', async () => {
    const env = { XDG_CONFIG_HOME: join(lab.folder, 'etc') };
    await install('opencode', ['--project']);
    await install('opencode', [], { env });
    const files = [join(lab.project, 'opencode.json'), join(lab.folder, 'etc', 'opencode', 'opencode.json')];
    expect(Object.keys(everything()).sort()).toEqual(files.sort());
    await install('opencode', ['--project', '--uninstall']);
    await install('opencode', ['--uninstall'], { env });
    expect(everything()).toEqual({});
    expect(existsSync(env.XDG_CONFIG_HOME)).toBe(false);
  });

  test('keeps what the user says of its tools, and reports it', async () => {
    const file = join(lab.project, 'opencode.json');
    plant(file, '{ "permission": "ask" }');
    const ended = await install('opencode', ['--project']);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain(`permission in ${file} is one word for all tools: it is left as it is.`);
    expect(JSON.parse(text(file))).toMatchObject({ permission: 'ask', mcp: { mam: { enabled: true } } });
  });
});

describe('--allow-supervisor', () => {
  const codexTools = () => text(codexFile).match(/tools\.\w+\]/g) ?? [];

  test('allows the tools of a supervisor, says what that means before it writes, and is undone', async () => {
    const own = '{"permissions":{"allow":["Bash(ls)"],"ask":["mcp__mam__start_agent"]}}';
    plant(settingsFile, own);
    const shown = await install('claude-code', ['--allow-supervisor', '--dry-run']);
    expect(shown.stdout).toContain('mcp__mam__delegate_job');
    expect(shown.stdout).toContain('call these without asking you: delegate_job, wait_job, answer_job,');
    expect(shown.stdout).toContain('allow what it asks permission for (answer_job)');
    expect(shown.stderr).toContain('permissions.ask in');
    expect(shown.stderr).toContain('has mcp__mam__start_agent, which takes precedence');
    expect(text(settingsFile)).toBe(own);
    const done = await install('claude-code', ['--allow-supervisor']);
    expect(done.stdout).toContain('allow what it asks permission for');
    const allowed = JSON.parse(text(settingsFile)).permissions;
    expect(allowed.allow).toEqual(['Bash(ls)', ...ALL_TOOLS.map((tool) => `mcp__mam__${tool}`)]);
    expect(allowed.ask).toEqual(['mcp__mam__start_agent']);
    expect((await install('claude-code', ['--uninstall'])).code).toBe(0);
    expect(text(settingsFile)).toBe(own);
  });

  test('is kept by a later install, and taken back on request', async () => {
    await install('codex', ['--allow-supervisor']);
    expect(codexTools()).toHaveLength(ALL_TOOLS.length);
    const whole = text(codexFile);
    const later = await install('codex');
    expect(later.stderr).toContain('To undo that: mam install codex --no-allow-supervisor');
    expect(text(codexFile)).toBe(whole);
    const json = JSON.parse((await install('codex', ['--json', '--dry-run'])).stdout);
    expect(json).toMatchObject({ allow_supervisor: true, changed: false });
    expect((await install('codex', ['--no-allow-supervisor'])).code).toBe(0);
    expect(codexTools()).toHaveLength(2);
    const last = await install('codex');
    expect(last.stderr).not.toContain('supervisor');
    expect(codexTools()).toHaveLength(2);
    await install('codex', ['--uninstall']);
    expect(existsSync(codexFile)).toBe(false);
  });

  test.each([
    ['claude-code', () => settingsFile],
    ['gemini', () => join(lab.folder, '.gemini', 'policies', 'mam.toml')],
    ['opencode', () => join(lab.folder, '.config', 'opencode', 'opencode.json')],
  ])('adds to an earlier install of %s, and leaves no trace when taken back', async (client, file) => {
    await install(client);
    const before = text(file());
    await install(client, ['--allow-supervisor']);
    for (const tool of ALL_TOOLS) expect(text(file())).toContain(tool);
    await install(client);
    expect(text(file())).toContain('verify_job');
    await install(client, ['--no-allow-supervisor']);
    expect(text(file())).toBe(before);
  });

  test('is not brought back by an install after the user has removed it by hand', async () => {
    await install('claude-code', ['--allow-supervisor']);
    plant(settingsFile, '{"permissions":{"allow":[]}}');
    await install('claude-code');
    expect(text(settingsFile)).not.toContain('delegate_job');
  });

  test.each([
    ['gemini', ['--project', '--allow-supervisor'], 'reads no policies from a project'],
    ['codex', ['--uninstall', '--allow-supervisor'], 'cannot be used together'],
    ['codex', ['--no-allow-supervisor', '--allow-supervisor'], 'cannot be used together'],
  ])('%s %j is refused', async (client, args, words) => {
    expect(await install(client, args)).toMatchObject({ code: 64, stderr: expect.stringContaining(words) });
    expect(everything()).toEqual({});
  });
});

describe('--uninstall', () => {
  test('keeps the backups if the file has other changes meanwhile', async () => {
    plant(geminiFile, '{ "a": 1 }\n');
    await install('gemini');
    writeFileSync(geminiFile, text(geminiFile).replace('"a": 1', '"a": 2'));
    const out = await install('gemini', ['--uninstall', '--json']);
    expect(text(geminiFile)).toBe('{ "a": 2 }\n');
    expect(backups(geminiFile)).toHaveLength(2);
    const [settings, policy] = JSON.parse(out.stdout).files;
    expect(settings).toMatchObject({ change: 'changed', backup: expect.stringContaining('before-mam') });
    expect(settings.removed_backups).toBeUndefined();
    expect(policy).toMatchObject({ change: 'removed' });
  });

  test('removes the backups of every install since, and names them', async () => {
    const bin = join(lab.folder, 'bin');
    mkdirSync(bin);
    plant(geminiFile, '{ "a": 1 }\n');
    await install('gemini');
    symlinkSync(PROGRAM, join(bin, 'mam'));
    const env = { PATH: `${bin}:${process.env['PATH']}` };
    await install('gemini', [], { env });
    const old = backups(geminiFile).map((name) => join(dirname(geminiFile), name));
    expect(old).toHaveLength(2);
    const out = await install('gemini', ['--uninstall', '--json'], { env });
    expect(JSON.parse(out.stdout).files[0]).toMatchObject({ removed_backups: old.sort() });
    expect(text(geminiFile)).toBe('{ "a": 1 }\n');
    expect(backups(geminiFile)).toEqual([]);
  });

  test('keeps a folder that it made and that is in use by now', async () => {
    await install('gemini', ['--project']);
    const own = join(lab.project, '.gemini', 'GEMINI.md');
    writeFileSync(own, 'mine');
    await install('gemini', ['--project', '--uninstall']);
    expect(everything()).toEqual({ [own]: 'mine' });
  });

  test('keeps a folder that was there before, even if empty', async () => {
    mkdirSync(join(lab.project, '.gemini'));
    await install('gemini', ['--project']);
    await install('gemini', ['--project', '--uninstall']);
    expect(readdirSync(lab.project)).toEqual(['.gemini']);
  });
});

describe('mam install', () => {
  test('writes nothing with --dry-run, and shows exactly what it would write', async () => {
    plant(claudeFile, '{\n  "a": 1\n}\n');
    const before = everything();
    const shown = await install('claude-code', ['--dry-run']);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain(
      `--- ${claudeFile}\n+++ ${claudeFile}\n@@ -1,3 +1,13 @@\n {\n-  "a": 1\n+  "a": 1,\n`,
    );
    expect(shown.stdout).toContain(`--- (no file)\n+++ ${settingsFile}\n`);
    expect(everything()).toEqual(before);
    expect(existsSync(lab.home)).toBe(false);
    await install('claude-code');
    const added = text(claudeFile).split('\n').slice(1, -2);
    expect(shown.stdout).toContain(added.map((line) => `+${line}`).join('\n'));
    const out = await install('claude-code', ['--uninstall', '--dry-run', '--json']);
    expect(JSON.parse(out.stdout)).toMatchObject({
      client: 'claude-code',
      scope: 'user',
      dry_run: true,
      uninstall: true,
      changed: true,
      files: [
        { path: claudeFile, change: 'changed', diff: expect.stringContaining('-  "mcpServers": {') },
        { path: settingsFile, change: 'removed', diff: expect.stringContaining('+++ (no file)') },
      ],
    });
    expect(existsSync(settingsFile)).toBe(true);
  });

  test("writes the command mam into a project's files, and says if it is not on the PATH", async () => {
    const bin = join(lab.folder, 'bin');
    mkdirSync(bin);
    const env = { PATH: `${bin}:${process.env['PATH']}` };
    const shown = await install('codex', ['--project', '--dry-run'], { env });
    expect(shown.stderr).toContain('mam is not on the PATH here');
    expect(shown.stdout).toContain('+command = "mam"\n+env_vars');
    symlinkSync(PROGRAM, join(bin, 'mam'));
    expect((await install('codex', ['--project'], { env })).stderr).not.toContain('mam is not on the PATH');
    const file = join(lab.project, '.codex', 'config.toml');
    for (const path of [bin, PROGRAM, process.execPath]) expect(text(file)).not.toContain(path);
    // An earlier version wrote a path.
    const notes = join(lab.home, 'installed.json');
    const older = (where: string) =>
      plant(where, text(where).replaceAll('command = ', 'args = ["x"]\ncommand = '));
    older(file);
    plant(notes, text(notes).replace('command = ', 'args = [\\"x\\"]\\ncommand = '));
    expect(await install('codex', ['--project'], { env })).toMatchObject({ code: 0 });
    expect(text(file)).not.toContain('args = ');
  });

  test('writes the installed program by its path', async () => {
    const bin = join(lab.folder, 'bin');
    mkdirSync(bin);
    symlinkSync(PROGRAM, join(bin, 'mam'));
    const env = { PATH: `relative:${bin}:${process.env['PATH']}` };
    await install('codex', [], { env });
    expect(text(codexFile)).toContain(`command = "${join(bin, 'mam')}"\nenv_vars`);
    // By the name that it was started with, on the PATH or not.
    const { child, ended } = lab.start(['install', 'claude-code'], { program: join(bin, 'mam') });
    child.stdin.end();
    expect((await ended).code).toBe(0);
    expect(JSON.parse(text(claudeFile)).mcpServers.mam).toMatchObject({
      command: join(bin, 'mam'),
      args: [],
    });
  });

  test('warns when the client is not on the PATH', async () => {
    const bin = join(lab.folder, 'bin');
    mkdirSync(bin);
    const env = { PATH: bin };
    const warned = async () => (await install('codex', ['--dry-run'], { env })).stderr;
    expect(await warned()).toContain('codex is not on the PATH');
    plant(join(bin, 'codex'), '', 0o755);
    expect(await warned()).toContain('codex is not on the PATH');
    plant(join(bin, 'codex'), '#!/bin/sh\n', 0o755);
    expect(await install('codex', ['--dry-run'], { env })).toMatchObject({ code: 0, stderr: '' });
  });

  test.each([
    [[], 'CLIENT is missing. Use one of claude-code, codex, gemini, opencode.'],
    [['claude'], 'Did you mean claude-code? Use one of claude-code, codex, gemini, opencode.'],
    [['codx'], 'Did you mean codex?'],
    [['claude-cod'], 'Did you mean claude-code?'],
    [['gemmini'], 'Did you mean gemini?'],
    [['open-code'], 'Did you mean opencode?'],
    [['toString'], 'Use one of claude-code, codex'],
    [['codex', 'claude-code'], 'Unexpected argument "claude-code".'],
    [['codex', '--user', '--project'], 'cannot be used together'],
    [['codex', '--global'], 'There is no option --global'],
    [['codex', '--channel'], 'Codex has no channels: --channel is for claude-code.'],
    [['claude-code', '--channel', '--uninstall'], '--channel and --uninstall cannot be used together.'],
  ])('wrong usage %j is 64 and one sentence', async (args, words) => {
    const ended = await lab.mam('install', ...args);
    expect(ended).toMatchObject({ code: 64, stdout: '' });
    expect(ended.stderr).toMatch(/^mam: .+\n$/);
    expect(ended.stderr).toContain(words);
    expect(everything()).toEqual({});
  });

  test('changes nothing if it may not write', async () => {
    plant(claudeFile, '{}\n');
    // A file stands where the folder should be: that stops root too.
    writeFileSync(join(lab.folder, '.claude'), 'in the way');
    const before = everything();
    const ended = await install('claude-code');
    expect(ended).toMatchObject({ code: 69, stdout: '' });
    expect(ended.stderr).toMatch(/settings\.json can't be written \(ENOTDIR\)\. Nothing was changed\./);
    expect(everything()).toEqual(before);
    const folder = await install('codex', [], { env: { CODEX_HOME: '/proc/nowhere/x' } });
    expect(folder).toMatchObject({ code: 69, stderr: expect.stringContaining("can't be written") });
    mkdirSync(codexFile, { recursive: true });
    expect((await install('codex')).stderr).toContain('config.toml is not a file');
  });

  test.skipIf(process.getuid?.() === 0)('leaves a read-only folder and a read-only file alone', async () => {
    plant(codexFile, 'a = 1\n', 0o444);
    expect(await install('codex')).toMatchObject({ code: 69, stderr: expect.stringContaining('(EACCES)') });
    chmodSync(codexFile, 0o644);
    chmodSync(dirname(codexFile), 0o555);
    expect(await install('codex')).toMatchObject({ code: 69, stderr: expect.stringContaining('(EACCES)') });
    chmodSync(dirname(codexFile), 0o755);
    expect(everything()).toEqual({ [codexFile]: 'a = 1\n' });
  });

  test.runIf(process.getuid?.() === 0)('run as root leaves a file to its owner', async () => {
    plant(codexFile, 'a = 1\n');
    chownSync(codexFile, 1234, 2345);
    expect((await install('codex')).code).toBe(0);
    const [backup = ''] = backups(codexFile);
    for (const path of [codexFile, join(dirname(codexFile), backup)])
      expect(statSync(path)).toMatchObject({ uid: 1234, gid: 2345 });
  });

  test("follows a link to the user's file or folder, and no other", async () => {
    mkdirSync(dirname(codexFile));
    symlinkSync('../dotfiles/codex.toml', codexFile);
    const nowhere = await install('codex');
    expect(nowhere).toMatchObject({ code: 69, stderr: expect.stringContaining('which does not exist') });
    expect(existsSync(join(lab.folder, 'dotfiles'))).toBe(false);
    plant(join(lab.folder, 'dotfiles', 'codex.toml'), 'a = 1\n');
    expect((await install('codex')).code).toBe(0);
    expect(text(join(lab.folder, 'dotfiles', 'codex.toml'))).toContain('[mcp_servers.mam]');
    // One that a clone brings may lead to any file of the user's.
    symlinkSync(lab.folder, join(lab.project, '.codex'));
    plant(join(lab.folder, 'config.toml'), 'a = 1\n');
    const out = await install('codex', ['--project']);
    expect(out).toMatchObject({ code: 69, stderr: expect.stringContaining('leads out of the project') });
    expect(text(join(lab.folder, 'config.toml'))).toBe('a = 1\n');
    mkdirSync(join(lab.folder, 'real'));
    symlinkSync('real', join(lab.folder, 'linked'));
    const env = { CODEX_HOME: join(lab.folder, 'linked', 'codex') };
    await install('codex', [], { env });
    expect(existsSync(join(lab.folder, 'real', 'codex', 'config.toml'))).toBe(true);
    await install('codex', ['--uninstall'], { env });
    expect(existsSync(join(lab.folder, 'real', 'codex', 'config.toml'))).toBe(false);
    symlinkSync('loop', join(lab.folder, 'loop'));
    const loop = await install('codex', [], { env: { CODEX_HOME: join(lab.folder, 'loop') } });
    expect(loop.code).toBe(69);
  });

  test('must be able to read its own notes before it writes', async () => {
    plant(join(lab.home, 'installed.json'), 'no JSON');
    const ended = await install('codex');
    expect(ended).toMatchObject({ code: 69, stderr: expect.stringContaining('installed.json') });
    expect(everything()).toEqual({});
  });

  test('leaves a file alone that is changed at the same moment', () => {
    plant(codexFile, 'a = 1\n');
    const found = readConfig(codexFile);
    writeFileSync(codexFile, 'a = 2\n');
    expect(() => replaceConfig(found, 'a = 3\n', 0o600)).toThrow('was changed by something else just now');
    expect(everything()).toEqual({ [codexFile]: 'a = 2\n' });
  });

  test('restores the first file when the second can not be written', () => {
    plant(codexFile, 'a = 1\n', 0o640);
    const [old, none] = [readConfig(codexFile), readConfig(claudeFile)];
    prepare(none, true);
    const backup = replaceConfig(old, 'a = 2\n', 0o600);
    expect(replaceConfig(none, '{}', 0o600)).toBeUndefined();
    restoreConfig(old, backup);
    restoreConfig(none, undefined);
    expect(everything()).toEqual({ [codexFile]: 'a = 1\n' });
    expect(mode(codexFile)).toBe(0o640);
  });
});
