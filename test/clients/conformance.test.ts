import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import { type Bridge, openBridge } from './bridge.ts';
import { CONFORMANCE, scriptOf } from './programs.ts';
import { SCENARIOS } from './scenarios.ts';

let lab: Lab;
let bridge: Bridge;
let capabilities: string[];
beforeAll(async () => {
  lab = new Lab();
  bridge = await openBridge(lab.env, lab.project);
  const server = await lab.startServer();
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  };
  capabilities = Object.keys((await server.request('initialize', params)).result.capabilities);
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

const applying = Object.entries(SCENARIOS).filter(([, scenario]) => !('reason' in scenario));
test.for(applying)('%s', async ([name, scenario], { skip }) => {
  if ('capability' in scenario && !capabilities.includes(scenario.capability)) {
    skip(`the server has no ${scenario.capability}`);
  }
  const { code, stdout, stderr } = await suite('server', '--url', bridge.url, '--scenario', name);
  expect(`${stdout}${stderr}`).toMatch(/Passed: (\d+)\/\1, 0 failed/);
  expect(code).toBe(0);
});
