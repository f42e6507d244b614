#!/usr/bin/env node
// Installs the real agents at their pinned versions and runs the scenarios with them: `npm run test:agents [-- [--agent
// KIND[@VERSION]]... ARGS]`, where ARGS go to vitest (such as `-t permission`). `npm run bench:agents` measures them in
// the same environment: a network namespace that has only loopback, or, if none can be made, with every endpoint on
// loopback and all other traffic sent to a port on which nobody listens.
import { spawnSync } from 'node:child_process';

const { agents, others } = readArguments(process.argv.slice(2));
if (agents.length > 0) process.env.TEST_AGENTS = agents.join(' ');

const run = (command, args, options = {}) => spawnSync(command, args, { stdio: 'inherit', ...options });

const ensured = run(process.execPath, ['scripts/ensure.mjs']);
if (ensured.status !== 0) process.exit(ensured.status ?? 1);
const installed = run(process.execPath, ['--import', 'tsx', 'test/agents/install.ts']);
if (installed.status !== 0) process.exit(installed.status ?? 1);

const [first, ...rest] = others;
const what =
  first === 'bench'
    ? [process.execPath, '--import', 'tsx', 'bench/agents.ts', ...rest]
    : [
        process.execPath,
        'node_modules/vitest/vitest.mjs',
        'run',
        '--config',
        'vitest.agents.config.ts',
        ...others,
      ];
if (first === 'bench' && run(process.execPath, ['scripts/build.mjs']).status !== 0) process.exit(1);
const alone = ['-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
const canBeAlone = run('unshare', ['-rn', 'sh', '-c', 'ip link set lo up'], { stdio: 'ignore' }).status === 0;
console.log(canBeAlone ? 'network: loopback only' : 'network: no namespace available; proxies lead nowhere');
const NOWHERE = 'http://127.0.0.1:9';
const shut = { http_proxy: NOWHERE, https_proxy: NOWHERE, HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE };
const open = { no_proxy: '127.0.0.1,localhost', NO_PROXY: '127.0.0.1,localhost' };
const result = canBeAlone
  ? run('unshare', [...alone, ...what])
  : run(what[0], what.slice(1), { env: { ...process.env, ...shut, ...open } });
process.exit(result.status ?? 1);

/** Extracts each `--agent WORD` and `--agent=WORD` from the arguments. */
function readArguments(args) {
  const [agents, others] = [[], []];
  for (const words = [...args]; words.length > 0; ) {
    const word = words.shift();
    if (!/^--agent(=|$)/.test(word)) others.push(word);
    else agents.push(word === '--agent' ? (words.shift() ?? '') : word.slice('--agent='.length));
  }
  if (!agents.some((word) => word === '' || word.startsWith('-'))) return { agents, others };
  console.error('--agent needs an agent, such as `--agent codex` or `--agent codex@0.171.0`.');
  process.exit(1);
}
