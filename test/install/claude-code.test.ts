import { describe, expect, test } from 'vitest';
import { claudeCode } from '../../src/install/claude-code.ts';
import type { Scope, Surroundings } from '../../src/install/client.ts';
import { around, fileOf, installed, refusal } from './support.ts';

const servers = fileOf(claudeCode, '/.claude.json');
const settings = fileOf(claudeCode, '/settings.json');
const OURS = { type: 'stdio', command: '/opt/bin/mam', args: [], timeout: 86_400_000 };
const RULES = ['mcp__mam__publish_event', 'mcp__mam__job_status'];
const MOVED = { command: '/usr/bin/node', args: ['/x/main.js'] };
const moved = fileOf(claudeCode, '/.claude.json', 'user', MOVED);

test('the files are where Claude Code reads them', () => {
  const paths = (scope: Scope, more: Partial<Surroundings> = {}) =>
    claudeCode.files(scope, { ...around, ...more }).map(({ path }) => path);
  const env = { CLAUDE_CONFIG_DIR: '/etc/c' };
  const old = '/home/u/.claude/.config.json';
  expect(paths('user')).toEqual(['/home/u/.claude.json', '/home/u/.claude/settings.json']);
  expect(paths('project')).toEqual(['/home/u/p/.mcp.json', '/home/u/p/.claude/settings.json']);
  expect(paths('user', { env })).toEqual(['/etc/c/.claude.json', '/etc/c/settings.json']);
  expect(paths('project', { env })).toEqual(paths('project'));
  expect(paths('user', { isFile: (path) => path === old })[0]).toBe(old);
});

describe('the server', () => {
  test.each([
    ['no file', undefined, `{\n  "mcpServers": {\n    "mam": ${spread(4)}\n  }\n}\n`],
    ['an empty file', '', `{\n  "mcpServers": {\n    "mam": ${spread(4)}\n  }\n}\n`],
    ['an object without a line end', '{}', `{\n  "mcpServers": {\n    "mam": ${spread(4)}\n  }\n}`],
    [
      'other servers',
      '{\n  "z": 1,\n  "mcpServers": {\n    "b": {"command":  "b"}\n  },\n  "a": [ 1,2 ]\n}\n',
      `{\n  "z": 1,\n  "mcpServers": {\n    "b": {"command":  "b"},\n    "mam": ${spread(4)}\n  },\n  "a": [ 1,2 ]\n}\n`,
    ],
    [
      'four spaces and CRLF',
      '{\r\n    "a": 1\r\n}\r\n',
      `{\r\n    "a": 1,\r\n    "mcpServers": {\r\n        "mam": ${spread(8, 4, '\r\n')}\r\n    }\r\n}\r\n`,
    ],
    ['one line', '{"a":1}', `{"a":1,"mcpServers":{"mam":${JSON.stringify(OURS)}}}`],
    ['one line, with an empty object', '{"mcpServers":{}}', `{"mcpServers":{"mam":${JSON.stringify(OURS)}}}`],
    [
      'a byte order mark',
      '\ufeff{\n "a": 1\n}',
      `\ufeff{\n "a": 1,\n "mcpServers": {\n  "mam": ${spread(2, 1)}\n }\n}`,
    ],
  ])('is put into %s and taken out again without a trace', (_, before, after) => {
    const { text, receipt } = installed(servers, before);
    expect(text).toBe(after);
    expect(servers.uninstall(text, receipt)).toEqual({ text: before, receipt: undefined, kept: [] });
  });

  test('keeps tabs, and keys that JavaScript would treat specially', () => {
    const before = '{\n\t"__proto__": {\n\t\t"x": 1e400\n\t},\n\t"2": 0,\n\t"1": 12345678901234567890\n}\n';
    const { text, receipt } = installed(servers, before);
    expect(text).toContain('\t"1": 12345678901234567890,\n\t"mcpServers": {\n\t\t"mam": {\n\t\t\t"type"');
    expect(servers.uninstall(text, receipt).text).toBe(before);
  });

  test('that Claude Code has rewritten is still recognized', () => {
    const { receipt } = installed(servers, '{"a":1}');
    const rewritten = JSON.stringify({ mcpServers: { mam: OURS, x: {} }, a: 1, b: 2 }, null, 2);
    expect(servers.install(rewritten, receipt).text).toBe(rewritten);
    const left = JSON.parse(servers.uninstall(rewritten, receipt).text ?? '');
    expect(left).toEqual({ mcpServers: { x: {} }, a: 1, b: 2 });
  });

  test('is updated when mam has moved', () => {
    const { text, receipt } = installed(servers, '{\n  "a": 1\n}\n');
    const now = moved.install(text, receipt);
    expect(JSON.parse(now.text ?? '').mcpServers.mam).toMatchObject(MOVED);
    expect(moved.uninstall(now.text, now.receipt).text).toBe('{\n  "a": 1\n}\n');
  });

  test('of the user is never overwritten, nor taken out', () => {
    const own = '{"mcpServers":{"mam":{"command":"mine"}}}';
    expect(refusal(() => servers.install(own, undefined))).toMatch(
      /already has mcpServers\.mam.*nothing was changed\. .*claude mcp remove mam --scope user/,
    );
    expect(refusal(() => servers.uninstall(own, undefined))).toMatch(
      /mcpServers\.mam in .* was not written by mam install: .*nothing was changed\. Remove it yourself \(claude mcp remove mam --scope user\)/,
    );
    // Exactly what we would write, but still the user's.
    const same = JSON.stringify({ mcpServers: { mam: OURS } });
    expect(servers.install(same, undefined)).toEqual({ text: same, receipt: undefined, kept: [] });
    expect(refusal(() => servers.uninstall(same, undefined))).toContain('was not written by mam install');
  });

  test('that the user has changed stays', () => {
    const { text, receipt } = installed(servers, undefined);
    const tuned = text.replace('86400000', '1000');
    expect(refusal(() => servers.install(tuned, receipt))).toContain(
      'is not what mam install wrote (timeout)',
    );
    expect(refusal(() => servers.uninstall(tuned, receipt))).toMatch(
      /was changed since mam install wrote it \(timeout\): .*nothing was changed\. Remove it yourself/,
    );
    // Once it is changed back, it is ours again.
    expect(servers.uninstall(text, receipt).text).toBeUndefined();
  });

  test('that the user has updated by hand is still ours', () => {
    const { text, receipt } = installed(servers, undefined);
    const later = fileOf(claudeCode, '/.claude.json', 'user', { command: '/new/mam' });
    const now = text.replace('/opt/bin/mam', '/new/mam');
    expect(later.install(now, receipt).text).toBe(now);
    expect(later.uninstall(now, receipt)).toEqual({ text: undefined, receipt: undefined, kept: [] });
  });
});

test('the server is a channel when asked for, and no longer when not', () => {
  const [asChannel] = claudeCode.files('user', around, { channel: true });
  if (asChannel === undefined) throw new Error('no file');
  const { text, receipt } = installed(asChannel, '{}');
  expect(JSON.parse(text).mcpServers.mam).toEqual({ ...OURS, env: { MAM_CHANNEL: '1' } });
  const plain = servers.install(text, receipt);
  expect(JSON.parse(plain.text ?? '').mcpServers.mam).toEqual(OURS);
  // With something of the user's next to it, only ours is removed.
  const more = text.replace('"MAM_CHANNEL"', '"MY": "x",\n        "MAM_CHANNEL"');
  const mine = JSON.parse(servers.install(more, receipt).text ?? '').mcpServers.mam;
  expect(mine).toEqual({ ...OURS, env: { MY: 'x' } });
  const again = asChannel.install(plain.text, plain.receipt);
  expect(asChannel.uninstall(again.text, again.receipt).text).toBe('{}');
  // What the user wrote by hand stays the user's in any case.
  const own = plain.text?.replace('"args"', '"env": { "MAM_CHANNEL": "1" },\n"args"');
  const taken = asChannel.install(own, plain.receipt);
  expect(taken.text).toBe(own);
  expect(servers.install(taken.text, taken.receipt).text).toBe(own);
});

describe('what the user adds to the server', () => {
  const before = '{\n  "a": 1\n}\n';
  const { text, receipt } = installed(servers, before);
  const added = '"args": [],\n      "env": { "MAM_CHANNEL": "1" },\n      "x": 2,';
  const more = text.replace('"args": [],', added);

  test('does not change what is ours', () => {
    expect(servers.install(more, receipt)).toEqual({ text: more, receipt, kept: [] });
    expect(servers.install(more, undefined)).toEqual({ text: more, receipt: undefined, kept: [] });
  });

  test('stays, byte for byte, when mam has moved', () => {
    const now = moved.install(more, receipt);
    expect(now).toMatchObject({
      text: expect.stringContaining('      "env": { "MAM_CHANNEL": "1" },\n      "x": 2,\n      "timeout"'),
      kept: [],
    });
    const all = { ...OURS, ...MOVED, env: { MAM_CHANNEL: '1' }, x: 2 };
    expect(JSON.parse(now.text ?? '').mcpServers.mam).toEqual(all);
    expect(moved.install(now.text, now.receipt).text).toBe(now.text);
    expect(moved.uninstall(now.text, now.receipt)).toMatchObject({ text: before, receipt: undefined });
  });

  test('is removed with it, and named', () => {
    expect(servers.uninstall(more, receipt)).toEqual({
      text: before,
      receipt: undefined,
      kept: [],
      lost: ['mcpServers.mam.env', 'mcpServers.mam.x'],
    });
  });

  test('before a newer mam writes the same key is kept', () => {
    const { timeout: _, ...older } = OURS;
    const old = { mcpServers: { mam: { ...older, gone: 1, timeout: 5000 } } };
    const value = { ...older, gone: 1 };
    const known = { values: [{ at: ['mcpServers', 'mam'], value }], words: [], made: [] };
    const now = servers.install(JSON.stringify(old), known);
    expect(JSON.parse(now.text ?? '')).toEqual({ mcpServers: { mam: { ...older, timeout: 5000 } } });
    expect(now.kept).toEqual([expect.stringMatching(/^mcpServers\.mam\.timeout in .* is your own/)]);
    expect(servers.uninstall(now.text, now.receipt)).toMatchObject({
      text: '{"mcpServers":{}}',
      lost: ['mcpServers.mam.timeout'],
    });
  });
});

describe('the rules', () => {
  test.each([
    [undefined],
    [''],
    ['{}'],
    ['{\n  "permissions": {}\n}\n'],
    ['{\n  "permissions": {\n    "allow": []\n  }\n}\n'],
    [
      '{\n  "permissions": {\n    "deny": ["x"],\n    "allow": [\n      "Bash(ls:*)"\n    ]\n  },\n  "b": 1\n}\n',
    ],
    ['{"permissions":{"allow":["Read"]}}'],
    ['{ "permissions": { "allow": [ "Read" ] } }'],
    [`{"permissions":{"allow":["${RULES[1]}"]}}`],
  ])('are added to %j, each once, and only what was added is taken', (before) => {
    const { text, receipt } = installed(settings, before);
    const rules = JSON.parse(text).permissions.allow as string[];
    for (const rule of RULES) expect(rules.filter((one) => one === rule)).toHaveLength(1);
    expect(settings.uninstall(text, receipt).text).toBe(before);
  });

  test('are not needed where all tools of mam are allowed', () => {
    const before = '{"permissions":{"allow":["mcp__mam"]}}';
    expect(settings.install(before, undefined)).toEqual({ text: before, receipt: undefined, kept: [] });
  });

  test('leave what the user added later', () => {
    const { text, receipt } = installed(settings, undefined);
    const value = JSON.parse(text);
    value.permissions.allow.push('Bash(ls:*)');
    const later = JSON.stringify(value, null, 2);
    const left = JSON.parse(settings.uninstall(later, receipt).text ?? '');
    expect(left).toEqual({ permissions: { allow: ['Bash(ls:*)'] } });
  });

  test('that the user took out do not matter to an uninstall', () => {
    const { receipt } = installed(settings, undefined);
    expect(settings.uninstall('{"permissions":{"allow":[]}}', receipt).kept).toEqual([]);
    expect(settings.uninstall(undefined, receipt)).toEqual({ text: undefined, receipt: undefined, kept: [] });
  });
});

describe('a file is refused, with the place, when it', () => {
  test.each([
    ['has a comment', '{\n  "a": 1, // why\n  "b": 2\n}', 'line 2, column 11'],
    ['has a trailing comma', '{\n  "a": 1,\n}', 'line 3, column 1: expected a name in double quotes'],
    ['has a name without quotes', '{a: 1}', 'line 1, column 2: expected a value or a name in double quotes'],
    ['has a trailing comma in a list', '[1,\r\n]', 'line 2, column 1: expected a value'],
    ['ends too early', '{"a": {', 'line 1, column 8: the file ends where } is expected'],
    ['goes on after the end', '{}\n{}', 'line 2, column 1: expected the end of the file'],
    ['has a raw line end in a string', '{"a": "x\n"}', 'line 1, column 7'],
    ['is nested without end', '['.repeat(100_000), 'less nesting'],
    ['is a list', '[]', 'is not a JSON object'],
    ['has its servers twice', '{"mcpServers": {}, "mcpServers": {}}', 'mcpServers occurs twice'],
    ['has mam twice', '{"mcpServers": {"mam": 1, "mam": 1}}', 'mcpServers.mam occurs twice'],
    ['has no object of servers', '{"mcpServers": ["x"]}', 'mcpServers is not an object'],
  ])('%s', (_, text, words) => {
    const said = refusal(() => servers.install(text, undefined));
    expect(said).toContain(words);
    expect(said).toContain('Nothing was changed.');
    expect(refusal(() => servers.uninstall(text, undefined))).toContain(words);
  });

  test.each([
    ['{"permissions":{"allow":"all"}}', 'permissions.allow is not a list'],
    ['{"permissions":[]}', 'permissions is not an object'],
  ])('has no list of rules: %s', (text, words) => {
    expect(refusal(() => settings.install(text, undefined))).toContain(words);
  });

  test('but not for a key twice somewhere else', () => {
    const before = '{"x": 1, "x": 2}';
    const { text, receipt } = installed(servers, before);
    expect(text.startsWith('{"x": 1, "x": 2, "mcpServers": {')).toBe(true);
    expect(servers.uninstall(text, receipt).text).toBe(before);
  });
});

/** Our entry as it is in a file. */
function spread(indent: number, step = 2, eol = '\n'): string {
  return JSON.stringify(OURS, null, step).replaceAll('\n', `${eol}${' '.repeat(indent)}`);
}
