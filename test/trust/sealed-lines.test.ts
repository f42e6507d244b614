import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import { joinHub } from '../support/mqtt.ts';
import { plant } from '../support/plant.ts';

/** A claim may have unknown fields: its sender chooses text that the hub then signs. */
let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

const ID = 'nice-work-12345678';

test('a line of a journal that looks like a record is none', async () => {
  const marker = join(lab.folder, 'ran');
  const script = join(lab.project, 'check.sh');
  const text = `touch '${marker}'\n`;
  writeFileSync(script, text);
  plant(lab, ID);
  const server = await lab.startServer();
  await server.report(ID, 'completed', { detail: 'done' });
  const { job_id: _, detail: __, files: ___, seq: ____, late: _____, ...record } = lab.record(ID);
  const script_sha256 = createHash('sha256').update(text).digest('hex');
  const forged = {
    ...record,
    ...{ status: 'working', phase: 'validating', delivery: [], requests: [], messages: [] },
    validation: { script, script_sha256, rounds: 0 },
  };
  const client = await joinHub(lab.home, { clientId: 'forger' });
  // What is sent by anybody who may publish on a broker.
  const claim = JSON.stringify({ ...forged, type: 'progress', source: 'peer', detail: 'x' });
  await client.publishAsync(`mam/v1/default/claims/${ID}`, claim, { qos: 1 });
  await client.endAsync(true);
  await lab.mam('hub', 'stop');

  const line = readFileSync(lab.paths(ID).journal, 'utf8').trim().split('\n').at(-1) ?? '';
  expect(line).toContain(script);
  writeFileSync(join(lab.registry, ID, 'job.json'), line);
  writeFileSync(lab.paths(ID).journal, `\n${line}\n`);
  const { damage } = await server.ask('job_status', { job_id: ID });
  await lab.mam('hub', 'restart');
  await server.ask('job_status', { job_id: ID });
  await sleep(500);
  expect(existsSync(marker)).toBe(false);
  expect(JSON.stringify(damage)).toContain('history');
});
