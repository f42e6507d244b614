import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import { type Bridge, openBridge } from './bridge.ts';
import { CONFORMANCE, scriptOf } from './programs.ts';
import { SCENARIOS } from './scenarios.ts';

let lab: Lab;
let bridge: Bridge;
beforeAll(async () => {
  lab = new Lab();
  bridge = await openBridge(lab.env, lab.project);
});
afterAll(async () => {
  await bridge.close();
  await lab.end();
});

const suite = (...args: string[]) => lab.run(process.execPath, [scriptOf(CONFORMANCE), ...args]);

test('every scenario of the suite is run, or has a reason not to be', async () => {
  const { stdout } = await suite('list');
  const ofServers = stdout.slice(stdout.indexOf('Server scenarios'), stdout.indexOf('Client scenarios'));
  const names = [...ofServers.matchAll(/^ +- (\S+)$/gm)].map(([, name]) => name);
  expect(names.sort()).toEqual(Object.keys(SCENARIOS).sort());
});

const applying = Object.keys(SCENARIOS).filter((name) => 'run' in (SCENARIOS[name] ?? {}));
test.each(applying)('%s', async (name) => {
  const { code, stdout, stderr } = await suite('server', '--url', bridge.url, '--scenario', name);
  expect(`${stdout}${stderr}`).toMatch(/Passed: ([1-9]\d*)\/\1, 0 failed/);
  expect(code).toBe(0);
});
