import { expect, test } from 'vitest';
import { diffOf } from '../../src/install/diff.ts';
import { masked, quotedIn } from '../../src/install/mask.ts';

test.each([
  [
    'a line in the middle',
    'a\nb\nc\nd\ne\n',
    'a\nb\nc\nnew\nd\ne\n',
    '--- /f\n+++ /f\n@@ -2,4 +2,5 @@\n b\n c\n+new\n d\n e',
  ],
  ['a new file', undefined, 'a\n', '--- (no file)\n+++ /f\n@@ -0,0 +1,1 @@\n+a'],
  ['a removed one', 'a\n', undefined, '--- /f\n+++ (no file)\n@@ -1,1 +0,0 @@\n-a'],
  [
    'a last line without its end',
    'a',
    'a\n',
    '--- /f\n+++ /f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a',
  ],
  ['an escape sequence', '', '\u001b[31mred\r\n', '--- /f\n+++ /f\n@@ -0,0 +1,1 @@\n+red'],
])('%s is shown as diff shows it', (_, before, after, shown) => {
  expect(diffOf('/f', before, after, new Set())).toBe(shown);
});

test('of a file on one line only the part that changes is shown', () => {
  const secret = 'x'.repeat(1_000);
  const shown = diffOf('/f', `{"a":"${secret}","b":1}`, `{"a":"${secret}","b":1,"new":2}`, new Set());
  expect(shown).toContain('"b":1,"new":2}');
  expect(shown.length).toBeLessThan(300);
});

test("only the names of other people's entries are shown", () => {
  const ours = quotedIn('{"command": "mam"}');
  expect(masked('{"env": {"TOKEN": "s3cret", "b": ["s3cret"]}, "command": "mam", "e": ""}', ours)).toBe(
    '{"env": {"TOKEN": "…", "b": ["…"]}, "command": "mam", "e": ""}',
  );
  expect(masked('{\n"args": [\n["--key", "s3cret"]\n]}', ours)).toBe('{\n"args": [\n["…", "…"]\n]}');
  expect(masked('args = ["s3cret"]\n["a"]\n', ours)).toBe('args = ["…"]\n["a"]\n');
  expect(masked('"a": "it\'s \\"s3cret\\"", // "old": "s3cret"\n/* s3cret\ns3cret */ "b": 1', ours)).toBe(
    '"a": "…", //…\n/*…\n…*/ "b": 1',
  );
  const toml = `# don't tell s3cret\n["my server".env]\n"T" = 's3cret'\ncommand = "mam"\nkey = """\ns3cret\n"s3cret\n"""\n`;
  expect(masked(toml, ours)).toBe(
    `#…\n["my server".env]\n"T" = '…'\ncommand = "mam"\nkey = """\n…\n…\n"""\n`,
  );
  const table = '# >>> mam (written by mam install)\n[mcp_servers.mam]\n# <<< mam\n';
  expect(masked(`# mine\n${table}`, quotedIn(table))).toBe(`#…\n${table}`);
  const before = '{"mcpServers":{"gh":{"env":{"TOKEN":"s3cret"}}}}';
  const after = '{"mcpServers":{"gh":{"env":{"TOKEN":"s3cret"}},"mam":{"command":"mam"}}}';
  const diff = diffOf('/f', before, after, ours);
  expect(diff).not.toContain('s3cret');
  expect(diff).toContain('"mam":{"command":"mam"}');
});
