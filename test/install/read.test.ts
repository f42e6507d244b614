// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how clients write variables
import { describe, expect, test } from 'vitest';
import { claudeCode } from '../../src/install/claude-code.ts';
import type { ConfigFile, ServerEntry } from '../../src/install/client.ts';
import { codex } from '../../src/install/codex.ts';
import { gemini } from '../../src/install/gemini.ts';
import { opencode } from '../../src/install/opencode.ts';
import { fileOf, installed, refusal } from './support.ts';

const read = (file: ConfigFile, text: string | undefined): ServerEntry | undefined => file.read?.(text);
const started = { command: '/opt/node', args: ['/x/main.js'] };
const claudeFile = fileOf(claudeCode, '/.claude.json', 'user', started);
const codexFile = fileOf(codex, 'config.toml', 'user', started);
const geminiFile = fileOf(gemini, 'settings.json', 'user', started);
const opencodeFile = fileOf(opencode, 'opencode.json', 'user', started);

describe('what install wrote is read as the client would start it:', () => {
  test('Claude Code', () => {
    expect(read(claudeFile, installed(claudeFile, '{"mcpServers":{"b":{"command":"b"}}}').text)).toEqual({
      ...started,
      env: {},
      timeout_seconds: 86_400,
      enabled: true,
    });
    // The permissions are in a file that names no servers.
    expect(fileOf(claudeCode, 'settings.json').read).toBeUndefined();
  });

  test('Codex', () => {
    expect(read(codexFile, installed(codexFile, '# mine\n').text)).toEqual({
      ...started,
      env: { MAM_TOOL_TIMEOUT_SECONDS: '86400' },
      env_vars: expect.arrayContaining(['TMUX', 'TMUX_PANE', 'MAM_HOME']),
      timeout_seconds: 86_400,
      enabled: true,
    });
  });
});

test.each([
  ['Gemini CLI', geminiFile],
  ['OpenCode', opencodeFile],
])('what install wrote is read as %s would start it', (_, file) => {
  expect(read(file, installed(file, '{ // mine\n}').text)).toEqual({
    ...started,
    env: { MAM_TOOL_TIMEOUT_SECONDS: '86400' },
    timeout_seconds: 86_400,
    enabled: true,
  });
});

describe("the user's own entry counts as it is:", () => {
  test('Claude Code', () => {
    const text = '{"mcpServers":{"mam":{"command":"mam","env":{"A":"1"}}}}';
    expect(read(claudeFile, text)).toEqual({ command: 'mam', args: [], env: { A: '1' }, enabled: true });
  });

  test('Codex', () => {
    const text =
      'mcp_servers.mam = { command = "mam", env_vars = ["A", { name = "B", source = "local" }], enabled = false }';
    expect(read(codexFile, text)).toEqual({
      command: 'mam',
      args: [],
      env: {},
      env_vars: ['A', 'B'],
      enabled: false,
    });
    // It passes nothing that is not named.
    expect(read(codexFile, '[mcp_servers.mam]\ncommand = "mam"')?.env_vars).toEqual([]);
  });
});

describe('variables are replaced as the client does it:', () => {
  const env = { A: '/a', EMPTY: '' };
  const claude = fileOf(claudeCode, '/.claude.json', 'user', { env });
  const google = fileOf(gemini, 'settings.json', 'user', { env });
  const open = fileOf(opencode, 'opencode.json', 'user', { env });
  const words = (file: ConfigFile, arg: string, key = 'mcpServers') => {
    const entry = {
      command: file === open ? ['x', arg] : 'x',
      args: [arg],
      env: { E: arg },
      environment: { E: arg },
    };
    const said = read(file, JSON.stringify({ [key]: { mam: entry } }));
    expect(said?.env).toEqual({ E: said?.args[0] });
    return said?.args[0];
  };

  test.each([
    ['${A}/b', '/a/b'],
    ['${A:-x}${B:-y}', '/ay'],
    ['${EMPTY:-x}', ''],
    ['${B}', '${B}'],
    ['$A', '$A'],
  ])('%s in Claude Code', (word, made) => {
    expect(words(claude, word)).toBe(made);
  });

  test.each([
    ['$A/b', '/a/b'],
    ['${A}${B:-y}', '/ay'],
    ['$B ${B}', '$B ${B}'],
    ['a$', 'a$'],
  ])('%s in Gemini CLI', (word, made) => {
    expect(words(google, word)).toBe(made);
  });

  test.each([
    ['{env:A}/b', '/a/b'],
    ['x{env:B}', 'x'],
    ['$A', '$A'],
  ])('%s in OpenCode', (word, made) => {
    expect(words(open, word, 'mcp')).toBe(made);
  });
});

test('OpenCode, switched off', () => {
  const text = '{"mcp":{"mam":{"type":"local","command":["npx","mam"],"enabled":false,},}}';
  expect(read(opencodeFile, text)).toEqual({ command: 'npx', args: ['mam'], env: {}, enabled: false });
});

describe.each([
  ['Claude Code', claudeFile, '{"mcpServers":{"b":{}}}', '{"mcpServers":{"mam":{"url":"http://x"}}}', '{,'],
  ['Gemini CLI', geminiFile, '{"mcpServers":{"b":{}}}', '{"mcpServers":{"mam":{"httpUrl":"x"}}}', '{,'],
  ['OpenCode', opencodeFile, '{"mcp":{"b":{}}}', '{"mcp":{"mam":{"type":"remote","url":"x"}}}', '{,'],
  ['Codex', codexFile, '[mcp_servers.b]\ncommand = "b"', '[mcp_servers.mam]\nurl = "http://x"', 'a ='],
] as const)('%s', (_, file, without, remote, broken) => {
  test.each([undefined, '', '\n', without])('has no such server in %j', (text) => {
    expect(read(file, text)).toBeUndefined();
  });

  test('a text that can not be read, or names no program, is refused', () => {
    expect(refusal(() => read(file, broken))).toContain(`${file.path} is not valid`);
    expect(refusal(() => read(file, remote))).toContain(`in ${file.path} names no command.`);
  });
});

test.each([
  ['{"mcpServers":{"mam":"mam"}}', 'names no command'],
  ['{"mcpServers":{"mam":{"command":"x","args":[1]}}}', 'has arguments that are not all strings'],
  ['{"mcpServers":{"mam":{"command":"x","env":{"A":1}}}}', 'has variables that are not all strings'],
])('%s is refused', (text, words) => {
  expect(refusal(() => read(claudeFile, text))).toContain(words);
});
