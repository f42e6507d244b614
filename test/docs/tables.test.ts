import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadSettings } from '../../src/settings/config.ts';
import { ALL_SETTINGS, NO_SETTINGS, namesOf, SETTINGS, type Setting } from '../../src/settings/table.ts';
import { waitBudget } from '../../src/tool/budget.ts';
import type { Tool } from '../../src/tool/tool.ts';
import { tools } from '../../tools/index.ts';
import { between, ROOT, read, table } from './markdown.ts';
import { refusalOf } from './refusal.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mam-tables-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `npx vitest run tables -u` rewrites what is between the markers. */
test.each([
  ['tools', toolTable],
  ['settings', settingTable],
])('the table of docs/%s.md is that of the declarations', async (name, made) => {
  const text = between(read(`docs/${name}.md`), name, `\n${made()}\n`);
  await expect(text).toMatchFileSnapshot(`../../docs/${name}.md`);
});

describe('the settings of docs/settings.md', () => {
  test('are all the names that the program knows, and a file may have', () => {
    const files = ['src', 'tools'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.tsx?$/.test(name))
        .map((name) => read(join(folder, name))),
    );
    const ours = new Set<string>([...ALL_SETTINGS.flatMap(namesOf), ...NO_SETTINGS]);
    const named = files.flatMap((text) => text.match(/\b(MAM_[A-Z_]+[A-Z]|DELEGATE_JOB_[A-Z_]+)\b/g) ?? []);
    // A constant that esbuild sets.
    expect([...new Set(named)].filter((name) => !ours.has(name))).toEqual(['MAM_VERSION']);
    // The error for an unknown name lists all of them.
    const listed = /The settings are: (.*)\./.exec(refusalOf('{"":1}'))?.[1]?.split(', ');
    expect(ALL_SETTINGS.flatMap(({ key }) => key ?? [])).toEqual(listed);
  });

  test('have the defaults that the program has', async () => {
    mkdirSync(join(folder, '.mam'));
    const found = await loadSettings({ cwd: folder }, { MAM_HOME: join(folder, 'home') });
    expect(found).toMatchObject({
      registryDir: join(folder, '.mam/jobs'),
      realm: 'default',
      role: 'supervisor',
      hubIdleSeconds: 60,
      hubEventsPerMinute: 5000,
      maxDepth: 4,
      maxOpenJobs: 50,
      agents: {},
    });
    expect([found.logsDir, found.broker, found.tmuxServerName, found.toolTimeoutSeconds]).toEqual(
      Array(4).fill(undefined),
    );
    const { home } = await loadSettings({ cwd: folder }, {});
    expect(home.endsWith('/.mam')).toBe(true);
    const seconds = (client: string) => waitBudget(undefined, client) / 1000;
    expect(SETTINGS.toolTimeoutSeconds.preset).toBe(
      `by client: Claude Code ${seconds('claude-code') / 3600} h, Codex ${seconds('codex-mcp-client')} s, Gemini CLI ${seconds('gemini-cli-mcp-client')} s, others ${seconds('?')} s`,
    );
  });
});

function toolTable(): string {
  return table(
    ['tool', 'what it does', 'inputs', 'for'],
    tools.map((tool) => [
      `\`${tool.name}\``,
      firstSentence(tool.description),
      inputs(tool),
      tool.roles.includes('peer') ? 'supervisors and peers' : 'supervisors',
    ]),
  );
}

function inputs(tool: Tool): string {
  return Object.entries(tool.inputSchema.shape)
    .map(([name, field]) => (field.safeParse(undefined).success ? `\`${name}\`` : `**\`${name}\`**`))
    .join(', ');
}

function settingTable(): string {
  const code = (name: string | undefined) => (name === undefined ? '' : `\`${name}\``);
  return table(
    ['environment', '`config.json`', 'default', 'what it is'],
    ALL_SETTINGS.flatMap((setting) => {
      const { env, oldEnv, key, about } = setting;
      const row = [code(env), code(key), defaultOf(setting), about];
      const old = [code(oldEnv), '', 'none', `the same, read where ${code(env)} is not set`];
      return oldEnv === undefined ? [row] : [row, old];
    }),
  );
}

function defaultOf({ preset, default: value }: Setting): string {
  if (preset !== undefined) return preset;
  if (typeof value === 'string') return `\`${value}\``;
  return typeof value === 'object' ? 'none' : `${Number(value)}`;
}

function firstSentence(text: string): string {
  return text.slice(0, text.indexOf('. ') + 1);
}
