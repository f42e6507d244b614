import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Lab } from '../durability/support.ts';

/** A PATH with a relative entry, as people have for `node_modules/.bin`: it leads into the project that is worked on. */
let lab: Lab;
let marker: string;
let env: { PATH: string };
beforeEach(() => {
  lab = new Lab();
  marker = join(lab.folder, 'ran');
  env = { PATH: `bin:.:${process.env['PATH']}` };
  for (const name of ['bin/bash', 'bin/tmux', 'tmux']) {
    mkdirSync(join(lab.project, 'bin'), { recursive: true });
    writeFileSync(join(lab.project, name), `#!/bin/sh\ntouch '${marker}'\n`);
    chmodSync(join(lab.project, name), 0o755);
  }
});
afterEach(() => lab.end());

test("a check is run by the system's bash, not by the project's", async () => {
  const id = lab.plant('nice-work-12345678');
  writeFileSync(join(lab.project, 'check.sh'), 'exit 3\n');
  const { stdout, code } = await lab.mam(['verify', id, '--validate', 'check.sh'], { env });
  expect(stdout).toContain('FAIL (exit 3)');
  expect(code).toBe(3);
  expect(existsSync(marker)).toBe(false);
});

test("tmux is the system's", async () => {
  await lab.agent('roof');
  const { stdout } = await lab.mam(['__complete', 'attach', ''], { env });
  const id = lab.plant('nice-work-12345678', { agent: 'command' });
  await lab.mam(['attach', id], { env });
  await lab.mam(['attach', 'roof'], { env });
  expect(existsSync(marker), stdout).toBe(false);
});
