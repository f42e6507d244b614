import { homedir } from 'node:os';
import { expect, test } from 'vitest';
import { type CommandRun, runCommand } from '../../src/hub/notify/run-command.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

function run(command: CommandRun['command'], more: Partial<CommandRun> = {}) {
  return runCommand({
    ...{
      command,
      input: 'input\n',
      env: { PATH: process.env['PATH'] ?? '' },
      cwd: homedir(),
      timeoutMs: 60_000,
    },
    ...{ stop: new AbortController().signal, started: () => {} },
    ...more,
  });
}

test('a text runs in a shell, a list without one, and either may leave its input unread', async () => {
  expect(await run('tr a-z A-Z | cat')).toMatchObject({ output: 'INPUT\n' });
  expect(await run(['echo', '$HOME', 'a  b'])).toMatchObject({ output: '$HOME a  b\n' });
  expect(await run('true', { input: 'x'.repeat(1_000_000) })).not.toHaveProperty('problem');
});

test('what keeps it from working is said, with the last line of its errors', async () => {
  const why = async (command: CommandRun['command']) => (await run(command)).problem;
  expect(await why('echo first >&2; echo "\u001b[31mlast" >&2; exit 3')).toBe(
    'it ended with exit code 3: last',
  );
  expect(await why(['no-such-program', 'x'])).toBe(
    'there is no program no-such-program on the PATH of the hub',
  );
  expect(await why([homedir()])).toBe('it could not be started (EACCES)');
  expect(await why('kill -TERM $$')).toBe('it was ended by SIGTERM');
});

test('a time limit ends it with everything in its group, and so does the end of the hub', async () => {
  const pids: number[] = [];
  const started = (pid: number) => pids.push(pid);
  const late = await run('sleep 1000 & echo $!; wait', { timeoutMs: 300, started });
  expect(late.problem).toBe('it was ended after 0.3 s');
  pids.push(Number(late.output));
  const ending = new AbortController();
  const stopped = run('exec sleep 1000', {
    stop: ending.signal,
    started: (pid) => {
      pids.push(pid);
      ending.abort();
    },
  });
  expect((await stopped).problem).toBe('it was ended with the hub');
  expect(pids).toHaveLength(3);
  await until('all are gone', () => !pids.some(isRunning));
});

test('only the end of its output is kept, and a program that it leaves running does not hold it', async () => {
  const { output, took_ms: took } = await run('yes | head -c 1000000; echo end; sleep 20 & echo $!');
  expect(output.length).toBeLessThan(5_000);
  const [pid = ''] = output.trimEnd().split('\n').slice(-1);
  expect(output).toContain('end\n');
  process.kill(Number(pid), 'SIGKILL');
  expect(took).toBeLessThan(20_000);
});
