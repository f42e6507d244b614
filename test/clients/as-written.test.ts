import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tools } from '../../tools/index.ts';
import { lineWith, ROOT } from '../docs/markdown.ts';

test('the line for MCP Inspector lists the tools, and starts no hub', () => {
  const home = mkdtempSync(join(tmpdir(), 'mam-written-'));
  try {
    // npm has it since the other tests with it were prepared.
    const env = { ...process.env, MAM_HOME: home, npm_config_prefer_offline: 'true' };
    const said = execFileSync('bash', ['-c', lineWith('docs/contributing/clients.md', 'inspector')], {
      cwd: ROOT,
      env,
    });
    const listed = (JSON.parse(`${said}`) as { tools: { name: string }[] }).tools;
    expect(listed.map(({ name }) => name)).toEqual(tools.map(({ name }) => name));
    expect(existsSync(join(home, 'hub.log'))).toBe(false);
  } finally {
    rmSync(home, { recursive: true });
  }
});
