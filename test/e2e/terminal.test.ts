import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing, test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';

let terminals = 0;

/** A shell in its own terminal, in which a test types commands. */
async function terminal(lab: Lab, env = '') {
  const shell = `exec env PS1='ready> ' ${env} MAM_HOME=${lab.home} TMUX_TMPDIR=${lab.folder} HISTFILE=/dev/null bash --norc --noprofile -i`;
  const session = `terminal-${++terminals}`;
  await lab.startSession(session, shell);
  const shows = (what: RegExp): Promise<string> =>
    until(`the terminal shows ${what}`, async () => {
      const screen = await lab.tmux('capture-pane', '-p', '-e', '-t', `=${session}:`);
      return what.test(screen) && screen;
    });
  await shows(/^ready>/m);
  const type = (line: string): Promise<string> =>
    lab.tmux('send-keys', '-t', `=${session}:`, '-l', '--', `'${process.execPath}' '${PROGRAM}' ${line}\n`);
  const press = (...keys: string[]): Promise<string> => lab.tmux('send-keys', '-t', `=${session}:`, ...keys);
  return { shows, type, press, session };
}

/** A job that a mute peer has started. */
async function job(lab: Lab, server: LabServer) {
  const [peer, reporter] = [await lab.startPeer('mute'), await lab.reporter];
  const { job_id: jobId } = await server.delegate(peer);
  await reporter.report(jobId, 'started');
  return { jobId, report: (event: string, detail?: string) => reporter.report(jobId, event, { detail }) };
}

describe.concurrent('on a terminal', () => {
  test('mam trust shows what it accepts, and asks', async ({ lab }) => {
    const folder = join(lab.project, '.mam');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'config.json'), '{"realm":"team"}');
    const { shows, type, press } = await terminal(lab);
    await type('trust; echo "ended with $?"');
    await shows(/realm \(ignored\): "team"\nAccept\? \[y\/N\]/);
    await press('n', 'Enter');
    await shows(/Nothing was accepted\.\nended with 0/);
    await type('trust; echo "now with $?"');
    await shows(/ended with 0[\s\S]*Accept\? \[y\/N\]/);
    await press('y', 'Enter');
    await shows(/is trusted\.[\s\S]*now with 0/);
    await type('trust --revoke; echo "last with $?"');
    await shows(/is not trusted\.[\s\S]*last with 0/);
  });

  sharing('mam wait shows stage, time and last words on one line that updates', async ({ lab, server }) => {
    const { jobId, report } = await job(lab, server);
    const { shows, type } = await terminal(lab);
    await type(`wait ${jobId}; echo "ended with $?"`);
    await shows(/working, started · \d+s/);
    await report('progress', 'half of it');
    await shows(/progress {2}half of it[\s\S]*\nworking, started · \d+s · half of it/);
    await shows(/working, started · [1-9]\d*s · half of it/);
    await report('completed', 'all of it');
    const screen = await shows(/ended with 0/);
    // Nothing of the status line stays, and the end is in colour.
    expect(screen).not.toContain('working, started');
    expect(screen).toMatch(new RegExp(`${jobId} {2}\u001b\\[32mcompleted`));
  });

  sharing('Ctrl-C stops waiting, not the job, and says so', async ({ lab, server }) => {
    const { jobId, report } = await job(lab, server);
    const { shows, type, press } = await terminal(lab, 'NO_COLOR=1');
    await type(`wait ${jobId}; echo "ended with $?"`);
    await shows(/working, started · \d+s/);
    await press('C-c');
    const screen = await shows(/ended with 3/);
    expect(screen).toContain('mam: stopped waiting; the job goes on.');
    expect(screen).not.toContain('\u001b[');
    expect(lab.record(jobId).status).toBe('working');
    await report('completed');
  });

  sharing('mam list has titles, and its lines end with the screen', async ({ lab, server }) => {
    const { jobId } = await job(lab, server);
    const words = '屋根を直す'.repeat(20);
    const peer = await lab.startPeer('mute');
    await server.delegate(peer, { prompt: words });
    const { shows, type, session } = await terminal(lab, 'NO_COLOR=1');
    await lab.tmux('resize-window', '-t', `=${session}:`, '-x', '100', '-y', '24');
    await type('list; echo "ended with $?"');
    const screen = await shows(/ended with 0/);
    expect(screen).toMatch(/^JOB +STATUS +AGENT +AGE +LATEST$/m);
    expect(screen).toMatch(new RegExp(`^${jobId} +● working +command +\\d+s +\\S`, 'm'));
    // A wide character counts as two columns: nothing has wrapped.
    expect(screen).toMatch(/^\w{8}\S* .*屋根.*…$/m);
    const { stdout } = await lab.mam('list');
    expect(stdout).not.toMatch(/^JOB/);
    expect(stdout).toMatch(
      new RegExp(`^${jobId}\\tworking\\tcommand\\t\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d\\t\\S`, 'm'),
    );
  });

  // The second has characters beyond the first 65,536.
  sharing.for(['屋根を直す', '𠮷𡈽𠀋'])(
    'the line of mam wait is never wider than the screen: %s',
    async (words, { lab, server }) => {
      const { jobId, report } = await job(lab, server);
      const { shows, type } = await terminal(lab);
      await type(`wait ${jobId}; echo "ended with $?"`);
      await report('progress', `${words.repeat(40)} at last`);
      await shows(new RegExp(`working, started · [1-9]\\d*s · ${words}[^\\n]*…`));
      await report('completed');
      expect(await shows(/ended with 0/)).not.toContain('working, started');
    },
  );

  sharing('a terminal that does not know its size gets the usual one', async ({ lab, server }) => {
    const { jobId, report } = await job(lab, server);
    const { shows, type, press } = await terminal(lab, 'NO_COLOR=1');
    await press('-l', '--', 'stty cols 0 rows 0; clear\n');
    await type(`logs ${jobId} --all; echo "ended with $?"`);
    // Text that fits into 80 columns is not wrapped.
    await shows(/submitted {5}\+[\d.]+ m?s {2}\S+ \S+ \S+ \S+/);
    await type(`wait ${jobId}; echo "ended with $?"`);
    await shows(/^working, started · \d+s/m);
    await report('completed');
    await shows(/ended with 0[\s\S]*ended with 0/);
  });
});

sharing('without a terminal there is neither colour nor a status line', async ({ lab, server }) => {
  const { jobId, report } = await job(lab, server);
  const wait = lab.start(['wait', jobId], { env: { FORCE_COLOR: '1' } });
  await until('it waits', async () => {
    await report('progress', 'half of it');
    return wait.seen.stdout.includes('half of it');
  });
  await report('completed', 'all of it');
  const { stdout, stderr } = await wait.ended;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  expect(stdout + stderr).not.toMatch(/[\u001b\r]/);
  // It is not silent: whoever looks knows what it waits for.
  expect(stderr).toBe(`mam: waiting for job ${jobId}.\n`);
});
