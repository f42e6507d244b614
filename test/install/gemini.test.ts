import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { gemini } from '../../src/install/gemini.ts';
import { fileOf, installed, refusal } from './support.ts';

const file = fileOf(gemini, 'settings.json');
const policy = fileOf(gemini, 'mam.toml');
const OURS = {
  command: '/opt/bin/mam',
  args: [],
  env: { MAM_TOOL_TIMEOUT_SECONDS: '86400' },
  timeout: 86_400_000,
};

test('the files are where Gemini CLI reads them', () => {
  expect([file.path, policy.path]).toEqual([
    '/home/u/.gemini/settings.json',
    '/home/u/.gemini/policies/mam.toml',
  ]);
  const env = { GEMINI_CLI_HOME: '/g' };
  expect(fileOf(gemini, 'settings.json', 'user', { env }).path).toBe('/g/.gemini/settings.json');
  expect(fileOf(gemini, 'mam.toml', 'user', { env }).path).toBe('/g/.gemini/policies/mam.toml');
  // A project's own policies are not read, and its settings would replace the user's list of allowed tools.
  expect(fileOf(gemini, '', 'project', { env }).path).toBe('/home/u/p/.gemini/settings.json');
});

describe('the server', () => {
  test.each([
    [undefined],
    [''],
    ['{}'],
    ['{\n  // mine\n  "a": 1 /* why */\n}\n'],
    ['{\n  "mcpServers": {\n    // the others\n    "b": { "command": "b" } // last\n  }\n}\n'],
    ['{"mcpServers":{}}'],
  ])('is put into %j and taken out again without a trace', (before) => {
    const { text, receipt } = installed(file, before);
    const plain = text.replaceAll(/\/\/.*|\/\*.*?\*\//g, '');
    expect(JSON.parse(plain).mcpServers.mam).toEqual(OURS);
    for (const comment of before?.match(/\/\/.*|\/\*.*?\*\//g) ?? []) expect(text).toContain(comment);
    expect(file.uninstall(text, receipt)).toEqual({ text: before, receipt: undefined, kept: [] });
  });

  test('of the user is never overwritten', () => {
    const own = '{"mcpServers":{"mam":{"command":"mine"}}}';
    expect(refusal(() => file.install(own, undefined))).toContain('gemini mcp remove mam --scope user');
    expect(refusal(() => file.uninstall(own, undefined))).toContain('was not written by mam install');
  });

  test('keeps the names that the user adds to its environment', () => {
    const { text, receipt } = installed(file, '{}');
    const more = text.replace('"env": {', '"env": {\n        "MAM_HOME": "/h", // mine');
    expect(file.install(more, receipt)).toEqual({ text: more, receipt, kept: [] });
    const moved = fileOf(gemini, 'settings.json', 'user', { command: '/new/mam' });
    const now = moved.install(more, receipt);
    expect(now.text).toBe(more.replace('/opt/bin/mam', '/new/mam'));
    expect(moved.uninstall(now.text, now.receipt)).toMatchObject({
      text: '{}',
      lost: ['mcpServers.mam.env.MAM_HOME'],
    });
  });

  test('does not go into a file that Gemini CLI itself refuses', () => {
    expect(refusal(() => file.install('{"a": 1,}', undefined))).toContain(
      'line 1, column 9: expected a name in double quotes',
    );
  });
});

describe('the rule', () => {
  test('allows what a peer reports with, and nothing else', () => {
    expect(parse(installed(policy, undefined).text)).toEqual({
      rule: [{ mcpName: 'mam', toolName: ['publish_event', 'job_status'], decision: 'allow', priority: 100 }],
    });
  });

  test('is removed as it was written, and updated when an older version wrote it', () => {
    const { text, receipt } = installed(policy, undefined);
    expect(policy.uninstall(text, receipt)).toEqual({ text: undefined, receipt: undefined, kept: [] });
    expect(policy.install('# older\n', '# older\n')).toEqual({ text, receipt, kept: [] });
    expect(policy.uninstall(undefined, receipt)).toEqual({ text: undefined, receipt: undefined, kept: [] });
  });

  test('of the user stays', () => {
    const own = '[[rule]]\n';
    expect(policy.install(own, undefined)).toMatchObject({
      text: own,
      kept: [expect.stringContaining('is not what mam install writes')],
    });
    expect(policy.uninstall(own, undefined)).toMatchObject({
      text: own,
      kept: [expect.stringContaining('was not written by mam install')],
    });
    const { text, receipt } = installed(policy, undefined);
    expect(policy.uninstall(`${text}${own}`, receipt)).toMatchObject({
      text: `${text}${own}`,
      receipt,
      kept: [expect.stringContaining('was changed since')],
    });
  });
});

test.each([
  ['{"mcpServers":{"mam":{"command":"x"}}, "mcp": {"allowed":["y"]}}', false],
  ['{"mcpServers":{"mam":{"command":"x"}}, "mcp": {"excluded":["mam"]}}', false],
  ['{"mcpServers":{"mam":{"command":"x"}}, "mcp": {"allowed":["y", "mam"], "excluded":[]}}', true],
])('the server of %s: enabled %s', (text, enabled) => {
  expect(file.read?.(text)?.enabled).toBe(enabled);
});
