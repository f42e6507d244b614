import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import { joinHub } from '../support/mqtt.ts';
import { plant } from '../support/plant.ts';

/** The suggested next command is run unchanged: by people, scripts and agents. */
let lab: Lab;
beforeEach(() => {
  lab = new Lab();
  lab.expected.push(/^bin\/mam$/);
});
afterEach(() => lab.end());

const ID = 'nice-work-12345678';

test("a request's id, which its sender chooses, is one word of it", async () => {
  plant(lab, ID);
  const server = await lab.startServer();
  await server.report(ID, 'started');
  const client = await joinHub(lab.home, { clientId: 'forger' });
  const marker = join(lab.folder, 'ran');
  const event_id = `x'; touch ${marker}; $(touch ${marker}) '`;
  const claim = { event_id, type: 'permission_required', detail: 'May I?', data: { tool: 'Bash' } };
  // With a second request, the command names the one that it is for.
  for (const id of ['another', event_id])
    await client.publishAsync(`mam/v1/default/claims/${ID}`, JSON.stringify({ ...claim, event_id: id }), {
      qos: 1,
    });
  await client.endAsync(true);
  const { next } = JSON.parse((await lab.mam('wait', ID, '--json')).stdout);
  expect(next).toContain(`mam allow ${ID} --request `);
  const bin = join(lab.folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'mam'), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
  const words = execFileSync('sh', ['-c', next], { env: { PATH: `${bin}:/usr/bin:/bin` } }).toString();
  expect(words.split('\n')).toContain(event_id);
  expect(existsSync(marker)).toBe(false);
});
