import { describe, expect, test } from 'vitest';
import type { Scope } from '../../src/install/client.ts';
import { opencode } from '../../src/install/opencode.ts';
import { around, fileOf, installed, refusal } from './support.ts';

const file = fileOf(opencode, 'opencode.json');
const OURS = {
  type: 'local',
  command: ['/opt/bin/mam'],
  enabled: true,
  environment: { MAM_TOOL_TIMEOUT_SECONDS: '86400' },
  timeout: 86_400_000,
};
const ALLOWED = { mam_publish_event: 'allow', mam_job_status: 'allow' };

describe('the file', () => {
  const paths = (scope: Scope, there: string[], env = {}) =>
    opencode
      .files(scope, { ...around, env, isFile: (path) => there.some((name) => path.endsWith(`/${name}`)) })
      .map(({ path }) => path);

  test('is the one that OpenCode reads last, or a new one', () => {
    const folder = '/home/u/.config/opencode';
    expect(paths('user', [])).toEqual([`${folder}/opencode.json`]);
    expect(paths('user', ['config.json'])).toEqual([`${folder}/config.json`]);
    expect(paths('user', ['opencode.json', 'opencode.jsonc'])).toEqual([
      `${folder}/opencode.jsonc`,
      `${folder}/opencode.json`,
    ]);
    expect(paths('user', [], { XDG_CONFIG_HOME: '/x' })).toEqual(['/x/opencode/opencode.json']);
  });

  test('of a project too', () => {
    expect(paths('project', [], { XDG_CONFIG_HOME: '/x' })).toEqual(['/home/u/p/opencode.json']);
    expect(paths('project', ['p/opencode.jsonc'])).toEqual(['/home/u/p/opencode.jsonc']);
    expect(paths('project', ['p/opencode.json', '.opencode/opencode.json'])).toEqual([
      '/home/u/p/.opencode/opencode.json',
      '/home/u/p/opencode.json',
    ]);
  });

  test('that is not chosen loses what is ours, and the rest is never shadowed', () => {
    const { text, receipt } = installed(file, '{ "a": 1 }');
    const [, other] = opencode.files('user', { ...around, isFile: (path) => /opencode\.jsonc?$/.test(path) });
    expect(other?.path).toBe(file.path);
    expect(other?.install(text, receipt)).toEqual({ text: '{ "a": 1 }', receipt: undefined, kept: [] });
    expect(other?.install('{ "a": 1 }', undefined).text).toBe('{ "a": 1 }');
    const own = '{"mcp":{"mam":{"type":"local","command":["mine"]}}}';
    for (const edit of [other?.install, other?.uninstall])
      expect(refusal(() => edit?.(own, undefined))).toContain('mcp.mam in /home/u/.config/opencode/');
    // What the user added would be lost where OpenCode has read it so far.
    const more = text.replace('"enabled"', '"cwd": "/w", "enabled"');
    expect(refusal(() => other?.install(more, receipt))).toMatch(
      /has what you added to mcp\.mam \(mcp\.mam\.cwd\), and mam moves to .*opencode\.jsonc, .*nothing was changed/,
    );
  });
});

describe('the server and the permissions', () => {
  test.each([
    [undefined],
    [''],
    ['{}'],
    ['{\n  "$schema": "https://opencode.ai/config.json"\n}\n'],
    ['{\n  // mine\n  "mcp": {\n    "b": { "type": "local", "command": ["b"] }, // last\n  },\n}\n'],
    ['{\n  "permission": {\n    "*": "ask", // careful\n    "bash": { "git *": "allow" }\n  }\n}\n'],
    ['{"permission":{"*":"deny"}}'],
  ])('are put into %j and taken out again without a trace', (before) => {
    const { text, receipt } = installed(file, before);
    const value = JSON.parse(text.replaceAll(/\/\/ .*/g, '').replaceAll(/,(\s*})/g, '$1'));
    expect(value.mcp.mam).toEqual(OURS);
    // The last rule that fits counts.
    expect(Object.entries(value.permission).slice(-2)).toEqual(Object.entries(ALLOWED));
    for (const comment of before?.match(/\/\/ .*/g) ?? []) expect(text).toContain(comment);
    expect(file.uninstall(text, receipt)).toEqual({ text: before, receipt: undefined, kept: [] });
  });

  test('a new file has the line that OpenCode would write into it', () => {
    const { text, receipt } = installed(file, undefined);
    expect(JSON.parse(text)).toEqual({
      $schema: 'https://opencode.ai/config.json',
      mcp: { mam: OURS },
      permission: ALLOWED,
    });
    // What the user adds to it stays.
    const more = text.replace('{', '{ "model": "x",');
    expect(file.uninstall(more, receipt).text).toContain('"model": "x"');
  });

  test('a server of the user is never overwritten', () => {
    const own = '{"mcp":{"mam":{"type":"remote","url":"http://x"}}}';
    expect(refusal(() => file.install(own, undefined))).toMatch(
      /already has mcp\.mam.*delete mcp\.mam there/,
    );
    expect(refusal(() => file.install('{"mcp": []}', undefined))).toContain('mcp is not an object');
  });
});

describe('a permission from the user stays', () => {
  const install = (permission: unknown) => {
    const before = JSON.stringify({ permission });
    const edited = file.install(before, undefined);
    const after = JSON.parse(edited.text ?? '').permission;
    expect(file.uninstall(edited.text, edited.receipt)).toMatchObject({ text: before, receipt: undefined });
    return { after, kept: edited.kept };
  };

  test.each([
    ['allow'],
    [{ '*': 'allow' }],
    [{ bash: 'ask', 'mam_*': 'allow' }],
    [{ mam_publish_event: { '*': 'allow' }, mam_job_status: 'allow' }],
  ])('%j is enough', (permission) => {
    expect(install(permission)).toEqual({ after: permission, kept: [] });
  });

  test.each([
    ['ask', 'is one word for all tools'],
    [{ 'mam_*': 'ask' }, 'says otherwise (mam_*)'],
    [{ 'mam_?*': 'deny' }, 'says otherwise (mam_?*)'],
    [{ mam_publish_event: 'deny', mam_job_status: 'ask' }, 'says otherwise (mam_'],
    [{ mam_publish_event: 'allow', mam_job_status: 'allow', '*': 'ask' }, 'says otherwise (*)'],
  ])('%j is left, and reported', (permission, words) => {
    const { after, kept } = install(permission);
    expect(after).toEqual(permission);
    expect(kept).toEqual([expect.stringContaining(words), expect.stringContaining(words)]);
  });

  test('one of two', () => {
    expect(install({ mam_job_status: 'ask' })).toEqual({
      after: { mam_job_status: 'ask', mam_publish_event: 'allow' },
      kept: [expect.stringContaining('before it calls mam_job_status.')],
    });
  });

  test('when it comes after the install', () => {
    const { text, receipt } = installed(file, '{}');
    const changed = text.replace('"mam_job_status": "allow"', '"mam_job_status": "ask"');
    expect(file.install(changed, receipt)).toMatchObject({ text: changed, kept: [expect.anything()] });
    const out = file.uninstall(changed, receipt);
    expect(JSON.parse(out.text ?? '')).toEqual({ permission: { mam_job_status: 'ask' } });
    expect(out).toMatchObject({ receipt: undefined, kept: [] });
    const { mcp } = JSON.parse(text);
    const word = JSON.stringify({ mcp, permission: 'ask' });
    expect(file.uninstall(word, receipt)).toMatchObject({ text: '{"permission":"ask"}', kept: [] });
  });
});
