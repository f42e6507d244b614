import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { sharing, test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

const times = (text: string, wanted: RegExp): number => text.match(wanted)?.length ?? 0;

describe('mam wait without an id', () => {
  test('tells a job again when that job has changed, and not when another one has', async ({ lab }) => {
    for (const id of ['asks', 'other', 'third']) plant(lab, id);
    const reporter = await lab.reporter;
    const waiter = lab.start(['wait', '--timeout', '60']);
    await until('it waits', () => waiter.seen.stderr !== '');
    const told = (id: string) => times(waiter.seen.stdout, new RegExp(`^${id} {2}input_required`, 'gm'));
    await reporter.report('asks', 'question', { detail: 'Which one?' });
    await until('it is told', () => told('asks') === 1);
    for (const round of [1, 2, 3]) {
      await reporter.report('other', 'question', { detail: 'And now?' });
      // The same words, but a new question.
      await until('the other one is told', () => told('other') === round);
      await reporter.report('other', 'progress', { detail: 'Going on.' });
    }
    expect(told('asks')).toBe(1);
    for (const id of ['other', 'third', 'asks']) await reporter.report(id, 'completed');
    const { code, stdout, stderr } = await waiter.ended;
    expect(code).toBe(0);
    for (const id of ['other', 'third', 'asks'])
      expect(times(stdout, new RegExp(`^${id} {2}completed`, 'gm')), id).toBe(1);
    // In a pipe there is no line that shows what it waits for.
    expect(stderr).toMatch(/^mam: waiting for 3 jobs: (asks|other|third), \S+, \S+\.\n$/);
  });

  test('says nothing when there is nothing to wait for', async ({ lab }) => {
    plant(lab, 'over');
    await (await lab.reporter).report('over', 'completed');
    expect(await lab.mam('wait', 'over')).toMatchObject({ code: 0, stderr: '' });
    expect(await lab.mam('wait')).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('what a failed check has printed', () => {
  const WIDE = 'w'.repeat(300);
  const SCRIPT = [
    'for n in 1 2 3 4 5 6 7 8 9 10 11; do printf "line %s \\033[31mred\\033[0m\\n" $n; done',
    `echo ${WIDE}`,
    'exit 7',
  ].join('\n');
  const lines = (width = 300): string[] => [
    ...[3, 4, 5, 6, 7, 8, 9, 10, 11].map((n) => `    line ${n} red`),
    `    ${width < 300 ? `${WIDE.slice(0, width - 5)}…` : WIDE}`,
  ];
  const block = (lab: Lab, id: string): string =>
    [...lines(), `    whole output: ${join(lab.registry, id, 'validate.log')}`].join('\n');

  async function failed(lab: Lab): Promise<{ id: string; stdout: string }> {
    const peer = await lab.startPeer('good', { args: ['--report', 'completed'] });
    lab.write('check.sh', SCRIPT);
    const where = ['--agent', 'command', '--agent-session', peer.address];
    const { code, stdout } = await lab.mam('submit', 'Mend it', ...where, '--validate', 'check.sh');
    expect(code).toBe(1);
    return { id: /^registered job: (\S+)$/m.exec(stdout)?.[1] ?? '', stdout };
  }

  sharing('is under its verdict: the last ten lines, and where the rest is', async ({ lab }) => {
    const { id, stdout } = await failed(lab);
    const output = block(lab, id);
    expect(stdout).toContain(`\nvalidation: FAIL (exit 7)\n${output}\n${join(lab.registry, id)}\n`);
    expect(times(stdout, /line 11 red/g)).toBe(1);
    const waited = await lab.mam('wait', id);
    expect(waited.code).toBe(1);
    expect(waited.stdout).toMatch(
      /^\S+ {2}failed \(validation_failed\) {2}The check failed \(exit 7\): w+…\n {2}validation: FAIL \(exit 7\)\n/,
    );
    expect(waited.stdout.split('\n').slice(2).join('\n')).toBe(`${output}\n`);
    const status = await lab.mam('status', id);
    const inStatus = output.replaceAll(/^ {4}/gm, ' '.repeat(11)).trimStart();
    expect(status.stdout).toContain(`\noutput     ${inStatus}\n`);
    expect(status.stdout).toMatch(/^validation FAIL \(exit 7\) /m);
    for (const text of [stdout, waited.stdout, status.stdout])
      for (const unwanted of ['line 2 ', '\u001b']) expect(text).not.toContain(unwanted);
  });

  sharing('is cut to the width of a terminal', async ({ lab }) => {
    const { id } = await failed(lab);
    const session = `narrow-${lab.sessions.size}`;
    await lab.startSession(session, 'exec env HISTFILE=/dev/null PS1="$ " bash --norc --noprofile -i');
    await lab.tmux('resize-window', '-t', `=${session}:`, '-x', '60', '-y', '60');
    const command = `clear; ${process.execPath} ${PROGRAM} wait ${id}; echo "ended with $?"`;
    await lab.steadyTmux('send-keys', '-t', `=${session}:`, '-l', command);
    await lab.steadyTmux('send-keys', '-t', `=${session}:`, 'Enter');
    const screen = await until('it has ended', async () => {
      const text = await lab.steadyTmux('capture-pane', '-p', '-t', `=${session}:`);
      return /^ended with 1$/m.test(text) && text;
    });
    expect(screen).toContain(`\n${lines(60).join('\n')}\n    whole output: `);
  });

  sharing('that sends the job back to its peer is shown as well', async ({ lab, reporter, peer }) => {
    lab.write('again.sh', 'test -e slate || { echo "no slate"; exit 3; }\n');
    const check = ['--validate', 'again.sh', '--validate-rounds', '1'];
    const submit = lab.start([
      ...['submit', 'Mend it', '--agent', 'command', '--agent-session', peer.address, ...check],
    ]);
    const id = await until('it is registered', () => /job: (\S+)/.exec(submit.seen.stdout)?.[1]);
    await reporter.report(id, 'completed');
    await until('it was sent back', () => submit.seen.stdout.includes('whole output: '));
    expect(submit.seen.stdout).toMatch(
      / validated {2}FAIL \(exit 3\)\n {4}no slate\n {4}whole output: \S+\n/,
    );
    lab.write('slate', '');
    await reporter.report(id, 'completed');
    const { code, stdout } = await submit.ended;
    expect(code).toBe(0);
    expect(times(stdout, /no slate/g)).toBe(1);
  });
});
