#!/usr/bin/env node
// Installs the real agents at their pinned versions and runs the scenarios with them: `npm run test:agents [-- ARGS]`,
// where ARGS go to vitest (such as `-t codex`); `npm run bench:agents` takes their times in the same surroundings: a
// network namespace that has only loopback, or, where none can be made, with every endpoint on loopback and all other
// traffic sent to a port where nobody listens.
import { spawnSync } from 'node:child_process';

const run = (command, args, options = {}) => spawnSync(command, args, { stdio: 'inherit', ...options });

const ensured = run(process.execPath, ['scripts/ensure.mjs']);
if (ensured.status !== 0) process.exit(ensured.status ?? 1);
const installed = run(process.execPath, ['--import', 'tsx', 'test/agents/install.ts']);
if (installed.status !== 0) process.exit(installed.status ?? 1);

const [first, ...rest] = process.argv.slice(2);
const what =
  first === 'bench'
    ? [process.execPath, '--import', 'tsx', 'bench/agents.ts', ...rest]
    : [
        process.execPath,
        'node_modules/vitest/vitest.mjs',
        'run',
        '--config',
        'vitest.agents.config.ts',
        ...process.argv.slice(2),
      ];
if (first === 'bench' && run(process.execPath, ['scripts/build.mjs']).status !== 0) process.exit(1);
const alone = ['-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
const canBeAlone = run('unshare', ['-rn', 'sh', '-c', 'ip link set lo up'], { stdio: 'ignore' }).status === 0;
console.log(canBeAlone ? 'network: loopback only' : 'network: no namespace here; proxies lead nowhere');
const NOWHERE = 'http://127.0.0.1:9';
const shut = { http_proxy: NOWHERE, https_proxy: NOWHERE, HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE };
const open = { no_proxy: '127.0.0.1,localhost', NO_PROXY: '127.0.0.1,localhost' };
const result = canBeAlone
  ? run('unshare', [...alone, ...what])
  : run(what[0], what.slice(1), { env: { ...process.env, ...shut, ...open } });
process.exit(result.status ?? 1);
