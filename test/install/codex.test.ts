import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import type { Scope } from '../../src/install/client.ts';
import { codex } from '../../src/install/codex.ts';
import { ALL_SETTINGS, namesOf } from '../../src/settings/table.ts';
import { fileOf, installed, refusal } from './support.ts';

const file = fileOf(codex, 'config.toml');
const BEGIN = '# >>> mam (written by mam install)';
const END = '# <<< mam';

interface Config {
  mcp_servers: Record<string, Record<string, unknown>>;
}
const ours = (text: string): Record<string, unknown> | undefined =>
  (parse(text.replace('\ufeff', ''), { integersAsBigInt: 'asNeeded' }) as unknown as Config).mcp_servers[
    'mam'
  ];

test('the file is where Codex reads it', () => {
  expect(file.path).toBe('/home/u/.codex/config.toml');
  const path = (scope: Scope) => fileOf(codex, 'config.toml', scope, { env: { CODEX_HOME: '/c' } }).path;
  expect(path('user')).toBe('/c/config.toml');
  expect(path('project')).toBe('/home/u/p/.codex/config.toml');
});

test('the table sets all that Codex would not do by default', () => {
  const { text } = installed(file, undefined);
  expect(text.startsWith(`${BEGIN}\n[mcp_servers.mam]\n`)).toBe(true);
  expect(text.endsWith(`\n${END}\n`)).toBe(true);
  const table = ours(text);
  expect(table).toEqual({
    command: '/opt/bin/mam',
    env_vars: expect.arrayContaining(['TMUX', 'TMUX_PANE', 'TMUX_TMPDIR', 'MAM_HOME']),
    startup_timeout_sec: 30,
    tool_timeout_sec: 86_400,
    supports_parallel_tool_calls: true,
    env: { MAM_TOOL_TIMEOUT_SECONDS: '86400' },
    tools: { publish_event: { approval_mode: 'approve' }, job_status: { approval_mode: 'approve' } },
  });
  // Every setting reaches the server, except the time limit, which is in the table, and the channel of Claude Code.
  const left = ['MAM_TOOL_TIMEOUT_SECONDS', 'MAM_CHANNEL'];
  const read = ALL_SETTINGS.flatMap(namesOf).filter((name) => !left.includes(name));
  for (const name of read) expect(table?.['env_vars']).toContain(name);
  const command = { command: '/opt/no de/"node"', args: ['/x/main.js', '\\'] };
  expect(ours(installed(fileOf(codex, 'config.toml', 'user', command), '').text)).toMatchObject(command);
});

describe('the table is put in and taken out without a trace', () => {
  test.each([
    ['no file', undefined],
    ['an empty file', ''],
    ['an empty line', '\n'],
    ['only a comment', '# mine'],
    ['comments, layout', '# top\n\n  model   =  "x"   # why\n\n[ a . "b c" ]   # here\n\tk=1\n# the end\n'],
    ['no last line end', 'model = "x"'],
    ['an empty line at the end', 'model = "x"\n\n'],
    ['CRLF', '# c\r\nmodel = "x"\r\n\r\n[a]\r\nb = """\r\n[mcp_servers.mam]\r\n"""\r\n'],
    ['a byte order mark', '\ufeffmodel = "x"\n'],
    ['other servers', '[mcp_servers.a]\ncommand = "a"\n\n[mcp_servers.a.env]\nK = "v"\n\n[z]\n'],
    ['an empty table of servers', '[mcp_servers]\n'],
    ['servers with dotted keys', '[mcp_servers]\na.command = "a"\n'],
    ['dotted keys at the top', 'mcp_servers.a.command = "a"\n'],
    ['inline tables inside', '[mcp_servers]\na = { command = "a" }\n'],
    ['arrays of tables', '[[x]]\na = 1\n[[x]]\na = 2\n'],
    ['values JavaScript distorts', 'a = 9223372036854775807\nb = nan\nc = 1979-05-27T07:32:00Z\nd = 1.0\n'],
    ['our markers in a string', `a = """\n${BEGIN}\n${END}\n"""\n`],
  ])('%s', (_, before) => {
    const { text, receipt } = installed(file, before);
    expect(text.startsWith(before ?? '')).toBe(true);
    expect(text.replace(/\r\n/g, '').includes('\r')).toBe(false);
    if (before?.includes('\r\n')) expect(text.replaceAll('\r\n', '')).not.toContain('\n');
    expect(ours(text)).toBeDefined();
    expect(file.uninstall(text, receipt)).toEqual({ text: before, receipt: undefined, kept: [] });
  });
});

describe('what came later', () => {
  const before = 'model = "x"\n\n[mcp_servers.a]\ncommand = "a"\n';
  const { text, receipt } = installed(file, before);

  test('after the block stays, after an empty line', () => {
    for (const later of ['\n[later]\nk = 1\n', '[later]\nk = 1\n', '# later\n'])
      expect(file.uninstall(text + later, receipt).text).toBe(`${before}\n${later.trimStart()}`);
    const whole = installed(file, 'model = "x"');
    expect(file.uninstall(`${whole.text}[later]\n`, whole.receipt).text).toBe('model = "x"\n\n[later]\n');
  });

  test('between the markers stays', () => {
    const mixed = text
      .replace(`\n${END}`, `\n\n[projects."/p"]\ntrust_level = "trusted"\n${END}`)
      .replace('tool_timeout_sec', '# long enough\ntool_timeout_sec');
    expect(file.install(mixed, receipt).text).toBe(mixed);
    expect(file.uninstall(mixed, receipt).text).toBe(
      `${before}\n# long enough\n\n[projects."/p"]\ntrust_level = "trusted"\n`,
    );
  });

  test('by `codex mcp add` of 0.169.0, which rewrites all servers, does not change ours', () => {
    const anew = [
      'model = "x"',
      '',
      '[mcp_servers.a]',
      'command = "a"',
      '',
      '[mcp_servers.mam]',
      'command = "/opt/bin/mam"',
      `env_vars = ${JSON.stringify(ours(text)?.['env_vars'])}`,
      'supports_parallel_tool_calls = true',
      'startup_timeout_sec = 30.0',
      'tool_timeout_sec = 86400.0',
      '',
      '[mcp_servers.mam.env]',
      'MAM_TOOL_TIMEOUT_SECONDS = "86400"',
      '',
      '[mcp_servers.mam.tools.job_status]',
      'approval_mode = "approve"',
      '',
      '[mcp_servers.mam.tools.publish_event]',
      'approval_mode = "approve"',
      '',
      '[mcp_servers.third]',
      'command = "echo"',
      END,
      '',
    ].join('\n');
    expect(file.install(anew, receipt).text).toBe(anew);
    expect(file.uninstall(anew, receipt).text).toBe(`${before}\n[mcp_servers.third]\ncommand = "echo"\n`);
  });

  test('by a move of mam changes nothing else', () => {
    const moved = fileOf(codex, 'config.toml', 'user', { command: '/new/mam' });
    const now = moved.install(`${text}\n[later]\n`, receipt);
    expect(ours(now.text ?? '')).toMatchObject({ command: '/new/mam' });
    expect(now.text?.match(/>>> mam/g)).toHaveLength(1);
    expect(moved.uninstall(now.text, now.receipt).text).toBe(`${before}\n[later]\n`);
  });
});

test('what a client put before it does not leave an empty line at the top', () => {
  const { text, receipt } = installed(file, undefined);
  const anew = text.replace(`${BEGIN}\n`, '').replace(END, `\n[mcp_servers.b]\ncommand = "b"\n${END}`);
  expect(file.uninstall(anew, receipt).text).toBe('[mcp_servers.b]\ncommand = "b"\n');
});

describe('the receipt is lost, and', () => {
  const { text } = installed(file, 'a = 1\n');

  test('what is between our markers as we write it is ours', () => {
    expect(file.install(text, undefined).text).toBe(text);
    expect(file.uninstall(text, undefined).text).toBe('a = 1\n');
  });

  test('anything else is not', () => {
    const changed = text.replace('= 86400\n', '= 60\n');
    expect(refusal(() => file.uninstall(changed, undefined))).toContain('was not written by mam install');
    expect(refusal(() => file.install(changed, undefined))).toContain('not what mam install wrote');
  });

  test('a marker without its table does no harm', () => {
    expect(file.uninstall(`a = 1\n\n${BEGIN}\n${END}\n`, undefined).text).toBe('a = 1\n');
    const again = installed(file, `a = 1\n\n${END}\n`);
    expect(again.text.match(/<<< mam/g)).toHaveLength(1);
  });
});

describe("the user's own table", () => {
  test.each([
    ['[mcp_servers.mam]\ncommand = "mine"\n'],
    ['[mcp_servers]\nmam = { command = "mine" }\n'],
    ['mcp_servers = { mam = { command = "mine" } }\n'],
    ['mcp_servers.mam.command = "mine"\n'],
    ['["mcp_servers".\'mam\']\ncommand = "mine"\n'],
  ])('%j is not overwritten, nor taken out', (own) => {
    expect(refusal(() => file.install(own, undefined))).toMatch(
      /already has \[mcp_servers\.mam\].*nothing was changed\. .*codex mcp remove mam/,
    );
    expect(refusal(() => file.uninstall(own, undefined))).toMatch(
      /\[mcp_servers\.mam\] in .* was not written by mam install: .*nothing was changed\. .*codex mcp remove mam/,
    );
  });

  test('is what ours became when he changed it', () => {
    const { text, receipt } = installed(file, '');
    const tuned = text.replace('tool_timeout_sec = 86400', 'tool_timeout_sec = 60');
    expect(refusal(() => file.install(tuned, receipt))).toContain(
      'is not what mam install wrote (tool_timeout_sec)',
    );
    expect(refusal(() => file.uninstall(tuned, receipt))).toContain(
      'was changed since mam install wrote it (tool_timeout_sec)',
    );
  });
});

describe('what the user adds to our table', () => {
  const before = 'model = "x"\n\n[mcp_servers.a]\ncommand = "a"\n';
  const { text, receipt } = installed(file, before);
  const moved = fileOf(codex, 'config.toml', 'user', { command: '/new/mam', args: ['x'] });
  const TABLES =
    '\n[mcp_servers.mam.tools.cancel_job]\napproval_mode = "approve"\n\n[mcp_servers.mam.tools.stop_agent]\napproval_mode = "approve"\n';

  test.each([
    ['tables behind it', text + TABLES, ['tools.cancel_job', 'tools.stop_agent']],
    [
      'a table between the markers',
      text.replace(`\n${END}`, `${TABLES}${END}`),
      ['tools.cancel_job', 'tools.stop_agent'],
    ],
    ['a table of ours after it', `${text}\n[mcp_servers.mam.x]\n[later]\n`, ['x'], `${before}\n[later]\n`],
    ['a key', text.replace('tool_timeout_sec', 'cwd = "/w" # mine\ntool_timeout_sec'), ['cwd']],
    ['a name that is handed on', text.replace('  "TMUX",', '  "TMUX",\n  "MY_NAME",'), ['env_vars.MY_NAME']],
    [
      'a variable',
      text.replace('MAM_TOOL_TIMEOUT_SECONDS =', 'MY = "1"\nMAM_TOOL_TIMEOUT_SECONDS ='),
      ['env.MY'],
    ],
  ])('%s: is kept until it goes with the rest', (_, more, names, left = before) => {
    expect(file.install(more, receipt)).toEqual({ text: more, receipt, kept: [] });
    const lost = names.map((name) => `mcp_servers.mam.${name}`);
    expect(file.uninstall(more, receipt)).toEqual({ text: left, receipt: undefined, kept: [], lost });
    const lostNote = file.uninstall(more, undefined);
    expect(lostNote).toMatchObject({ text: left, lost });
    const now = moved.install(more, receipt);
    expect(ours(now.text ?? '')).toEqual({ ...ours(more), command: '/new/mam', args: ['x'] });
    expect(now.kept).toEqual([]);
    expect(moved.install(now.text, now.receipt).text).toBe(now.text);
    expect(moved.uninstall(now.text, now.receipt)).toMatchObject({ text: left, lost });
  });

  test('changes only our lines, when something else stands between them', () => {
    const more = text.replace('tool_timeout_sec', '# why\ntool_timeout_sec').replaceAll('\n', '\r\n');
    const known = { inserted: (receipt as { inserted: string }).inserted.replaceAll('\n', '\r\n') };
    expect(moved.install(more, known).text).toBe(
      more
        .replace('/opt/bin/mam', '/new/mam')
        .replace('supports_parallel_tool_calls = true\r\n', (line) => `${line}args = [\r\n  "x",\r\n]\r\n`),
    );
  });

  test('before a newer mam writes the same is kept', () => {
    // An older mam: without the timeout, without one of the approvals, and with what is gone by now.
    const olden = (now: string): string =>
      now
        .replace('tool_timeout_sec = 86400\n', 'old = 1\n')
        .replace(
          '\n[mcp_servers.mam.tools.job_status]\napproval_mode = "approve"\n',
          '\n[mcp_servers.mam.gone]\nk = 1\n',
        )
        .replace('  "TMUX",', '  "OLD",');
    const known = { inserted: olden((receipt as { inserted: string }).inserted) };
    const own = olden(text)
      .replace('old = 1\n', 'old = 1\ntool_timeout_sec = 60\n')
      .replace('  "OLD",', '  "OLD",\n  "MY",');
    const now = file.install(`${own}\n[z]\nk = 1\n`, known);
    const { env_vars: names = [] } = ours(text) ?? {};
    const env_vars = [...(names as string[]), 'MY'];
    expect(ours(now.text ?? '')).toEqual({ ...ours(text), env_vars, tool_timeout_sec: 60 });
    expect(now.kept).toEqual([
      expect.stringMatching(/^mcp_servers\.mam\.tool_timeout_sec in .* is your own/),
    ]);
    expect(file.install(now.text, now.receipt)).toMatchObject({ text: now.text, kept: now.kept });
    expect(file.uninstall(now.text, now.receipt)).toMatchObject({
      text: `${before}\n[z]\nk = 1\n`,
      lost: ['mcp_servers.mam.env_vars.MY', 'mcp_servers.mam.tool_timeout_sec'],
    });
  });

  test('where no line of ours can be found is refused as a whole', () => {
    const inline = text
      .replace(/\[mcp_servers\.mam\.env\]\n.*\n/, '')
      .replace(
        'tool_timeout_sec',
        'env = { MAM_TOOL_TIMEOUT_SECONDS = "86400" }\nmore = 1\ntool_timeout_sec',
      );
    expect(file.install(inline, receipt).text).toBe(inline);
    const known = { inserted: (receipt as { inserted: string }).inserted.replace('"86400"', '"60"') };
    expect(refusal(() => file.install(inline.replace('"86400"', '"60"'), known))).toContain(
      'nothing was changed',
    );
  });
});

describe('a file is refused when', () => {
  test.each([
    ['a bracket is missing', 'a = 1\n[x\nb = 2\n', 'line 2'],
    ['a key is there twice', 'a = 1\na = 2\n', 'line 2'],
    ['a table is there twice', '[a]\n[b]\n[a]\n', 'line 3'],
    ['a string does not end', 'a = "x\n', 'line 1'],
    ['it is JSON', '{"a": 1}', 'line 1'],
  ])('%s, with the place', (_, text, place) => {
    const said = refusal(() => file.install(text, undefined));
    expect(said).toContain(`is not valid TOML: ${place}, column `);
    expect(said).toContain('Nothing was changed.');
    expect(said).not.toContain('\n');
    expect(refusal(() => file.uninstall(text, undefined))).toBe(said);
  });

  test.each([
    ['mcp_servers = { a = { command = "a" } }\n'],
    ['mcp_servers = {}\n'],
    ['[[mcp_servers]]\na = 1\n'],
    ['mcp_servers = "none"\n'],
  ])('%j has no room for a table', (text) => {
    const said = refusal(() => file.install(text, undefined));
    expect(said).toContain('nothing was changed');
    expect(said).toContain('[mcp_servers.NAME]');
    expect(file.uninstall(text, undefined).text).toBe(text);
  });

  test('its secrets are not told', () => {
    expect(refusal(() => file.install('token = "s3cret" "s3cret"\n', undefined))).not.toContain('s3cret');
  });
});
