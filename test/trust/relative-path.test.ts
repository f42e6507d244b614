import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import { plant } from '../support/plant.ts';

/** A PATH with a relative entry, as people have for `node_modules/.bin`: it leads into the current project. */
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
  const id = plant(lab, 'nice-work-12345678');
  writeFileSync(join(lab.project, 'check.sh'), 'exit 3\n');
  const { stdout, code } = await lab.start(['verify', id, '--validate', 'check.sh'], { env }).ended;
  expect(stdout).toContain('FAIL (exit 3)');
  expect(code).toBe(3);
  expect(existsSync(marker)).toBe(false);
});

test("tmux is the system's", async () => {
  await lab.startPeer('mute', { session: 'roof' });
  const { stdout } = await lab.start(['__complete', 'attach', ''], { env }).ended;
  const id = plant(lab, 'nice-work-12345678', { agent: 'command' });
  await lab.start(['attach', id], { env }).ended;
  await lab.start(['attach', 'roof'], { env }).ended;
  expect(existsSync(marker), stdout).toBe(false);
});
