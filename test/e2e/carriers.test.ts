import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { composeOrder } from '../../src/job/order.ts';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing } from '../support/lab-test.ts';
import { pause, until } from '../support/until.ts';

const CARRIER = join(import.meta.dirname, '../peers/carrier.py');
const SHELLS: [string, string[]][] = [
  ['bash', ['--norc', '--noprofile', '-i']],
  ['dash', ['-i']],
  ['zsh', ['-f', '-i']],
  ['fish', ['--no-config', '-i']],
];

/** A prompt that a shell would run in every possible way. */
const promptFor = (mark: string) =>
  `x; touch ${mark} # $(touch ${mark}) \`touch ${mark}\` && touch ${mark} | touch ${mark}`;

/** The shared lab gets no job before all of these are refused; its tmux server outlives the sessions of single tests. */
const refusing = sharing.extend<{ server: LabServer }>({
  server: [
    async ({ lab }, use) => {
      await lab.startSession('holder', 'exec sleep 1000');
      await use(await lab.startServer());
    },
    { scope: 'file' },
  ],
});

/** Starts a shell behind another program, and waits until it accepts commands. */
async function shellBehind(lab: Lab, session: string, command: string): Promise<void> {
  const ready = join(lab.project, `${session}-ready`);
  lab.expected.push(/^p\/(?:[\w-]+\/helpful$|\.)/);
  await lab.startSession(session, `exec env HOME='${lab.project}' HISTFILE=/dev/null ${command}`);
  const type = (line: string) => lab.tmux('send-keys', '-t', `=${session}:`, line, 'Enter');
  await until(`a shell is in ${session}`, async () => {
    await type(`touch '${ready}'`);
    return existsSync(ready);
  });
  // Anything typed meanwhile without effect comes before this.
  await type(`touch '${ready}-last'`);
  await until(`the shell in ${session} is idle`, () => {
    const busy = lab.processes.some(({ command }) => command.startsWith(`touch ${ready}`));
    return existsSync(`${ready}-last`) && !busy;
  });
}

/** A Python statement that shows what is read, and a new prompt at Enter. */
const ECHO =
  'read = os.read(0, 4096); os.write(1, b"\\r\\nREADY>" if read == b"\\r" else read.replace(b"\\n", b"\\r\\n"))';

/** Runs a Python program in its own session, and waits until it shows `READY>`. */
async function startPython(lab: Lab, session: string, lines: string[]): Promise<void> {
  await lab.startSession(session, `exec python3 '${lab.write(`${session}.py`, lines.join('\n'))}'`);
  await until('it is ready', async () =>
    (await lab.tmux('capture-pane', '-p', '-t', `=${session}:`)).includes('READY>'),
  );
}

describe('an order is never typed where a shell may read it:', () => {
  /** Each may write into its own folder. */
  const CARRIERS: [string, (shell: string, lab: Lab, own: string) => string][] = [
    ['a program with its own terminal', (shell) => `python3 '${CARRIER}' ${shell}`],
    ['script', (shell) => `script -q -c '${shell}' /dev/null`],
    [
      'a program with the name of an agent',
      (shell, lab, own) => {
        const text = `#!/usr/bin/env python3\nimport pty, sys\npty.spawn(sys.argv[1:])\n`;
        const path = lab.write(`${own}/claude`, text, 0o755);
        return `'${path}' ${shell}`;
      },
    ],
    [
      'a program whose child carries it',
      (shell) =>
        `node -e 'require("child_process").spawnSync("script", ["-q", "-c", "${shell}", "/dev/null"], {stdio: "inherit"})'`,
    ],
    [
      'a shell by another name',
      (shell, lab, own) => {
        const [program = '', ...words] = shell.split(' ');
        mkdirSync(join(lab.project, own));
        const path = join(lab.project, own, 'helpful');
        symlinkSync(`/bin/${program}`, path);
        return `'${path}' ${words.join(' ')}`;
      },
    ],
  ];
  for (const [name, words] of SHELLS) {
    refusing.for(CARRIERS)(`${name} behind %s`, async ([carrier, command], { lab, server }) => {
      const session = `${name}-${carrier.replaceAll(' ', '-')}`;
      await shellBehind(lab, session, command([name, ...words].join(' '), lab, `of-${session}`));
      const mark = join(lab.folder, 'p', 'ran');
      for (const agent of ['command', 'claude-code']) {
        const text = await server.refusal('delegate_job', {
          ...{ prompt: promptFor(mark), agent, agent_session: `tmux:${session}` },
        });
        expect(text).toMatch(/a shell might run what is typed there: .*\(process \d+\)/);
        expect(text).toContain('trust_pane');
        expect(text).toContain('"ready" pattern');
      }
      expect(lab.jobIds()).toEqual([]);
      expect(existsSync(mark)).toBe(false);
      await lab.tmux('kill-session', '-t', `=${session}`);
    });
  }

  refusing('which has come up behind the agent since the job was delegated', async ({ lab, server }) => {
    const mark = join(lab.folder, 'p', 'ran');
    const go = join(lab.folder, 'p', 'go');
    // The same process, with another terminal inside it.
    await startPython(lab, 'pane', [
      'import os, pty, select, tty',
      'tty.setraw(0)',
      'os.write(1, b"READY>")',
      `while not os.path.exists(${JSON.stringify(go)}):`,
      '    if select.select([0], [], [], 0.02)[0]:',
      `        ${ECHO}`,
      'pty.spawn(["bash", "--norc", "--noprofile", "-i"])',
    ]);
    const peer = await lab.reporter;
    const { job_id: first } = await server.ask('delegate_job', {
      ...{ prompt: 'Mend the roof', agent: 'command', agent_session: 'tmux:pane', trust_pane: false },
    });
    await lab.event(first, 'submitted');
    lab.write('go', '');
    await until('the shell is there', async () =>
      /bash-\d[\d.]*[#$]/.test(await lab.tmux('capture-pane', '-p', '-t', '=pane:')),
    );
    const before = await lab.tmux('capture-pane', '-p', '-t', '=pane:');
    await peer.report(first, 'question', { detail: 'Which one?' });
    await server.ask('answer_job', { job_id: first, text: promptFor(mark) });
    const { job_id: second } = await server
      .ask('delegate_job', { prompt: promptFor(mark), agent: 'command', agent_session: 'tmux:pane' })
      .catch((error: Error) => ({ job_id: error.message }));
    expect(second).toMatch(/a shell might run what is typed there: /);
    await peer.report(first, 'completed', { detail: 'done' });
    expect(await lab.tmux('capture-pane', '-p', '-t', '=pane:')).toBe(before);
    expect(existsSync(mark)).toBe(false);
    await lab.tmux('kill-session', '-t', '=pane');
  });
});

describe('a program that leaves its terminal in line mode', () => {
  const job = { prompt: 'Mend the roof', agent: 'command' };

  refusing.for(['sleep 1000', 'cat'])(
    'gets nothing typed if a shell would read the rest: %s',
    async (program, { lab, server }) => {
      const [session = ''] = program.split(' ');
      const before = lab.jobIds();
      await shellBehind(lab, session, 'bash --norc --noprofile -i');
      await lab.tmux('send-keys', '-t', `=${session}:`, program, 'Enter');
      await until(`${program} runs`, async () =>
        (await lab.tmux('display-message', '-p', '-t', `=${session}:`, '#{pane_current_command}')).includes(
          session,
        ),
      );
      const text = await server.refusal('delegate_job', { ...job, agent_session: `tmux:${session}` });
      expect(text).toMatch(
        /a shell might run what is typed there: the shell bash .* will read what .* does not/,
      );
      expect(text).toContain('trust_pane');
      expect(lab.jobIds()).toEqual(before);
      await lab.tmux('kill-session', '-t', `=${session}`);
    },
  );

  refusing('gets its order where no shell is behind it', async ({ lab, server }) => {
    // An order has several lines, each of which such a program receives before our Enter.
    const last = 'line => /Use only this id/.test(line) && process.stdout.write("got it\\n> ")';
    const ready = 'process.stdout.write("> ")';
    const program = `${ready}; require("node:readline").createInterface(process.stdin).on("line", ${last})`;
    await lab.startSession('lines', `exec ${process.execPath} -e '${program}'`);
    await until('it is ready', async () =>
      (await lab.tmux('capture-pane', '-p', '-t', '=lines:')).startsWith('>'),
    );
    const { job_id } = await server.ask('delegate_job', { ...job, agent_session: 'tmux:lines' });
    await lab.event(job_id, 'submitted');
    await server.ask('cancel_job', { job_id });
    await lab.tmux('kill-session', '-t', '=lines');
  });
});

refusing('a program that is about to take its terminal back gets its order', async ({ lab, server }) => {
  const go = join(lab.folder, 'p', 'back');
  await startPython(lab, 'back', [
    'import os, signal, time, tty',
    'signal.signal(signal.SIGTTOU, signal.SIG_IGN)',
    'tty.setraw(0)',
    'child = os.fork()',
    'if child == 0:',
    '    os.setpgid(0, 0)',
    '    os.tcsetpgrp(0, os.getpid())',
    '    os._exit(0)',
    'os.waitpid(child, 0)',
    'os.write(1, b"READY>")',
    `while not os.path.exists(${JSON.stringify(go)}):`,
    '    time.sleep(0.005)',
    'os.tcsetpgrp(0, os.getpgrp())',
    'while True:',
    `    ${ECHO}`,
  ]);
  // A hub that has to start first would look later.
  await server.ask('list_agents');
  const delegated = server.ask('delegate_job', {
    ...{ prompt: 'Mend the roof', agent: 'command', agent_session: 'tmux:back' },
  });
  await pause(100);
  lab.write('back', '');
  const { job_id } = await delegated;
  await lab.event(job_id, 'submitted');
  await server.ask('cancel_job', { job_id });
  await lab.tmux('kill-session', '-t', '=back');
});

describe('what is typed runs nothing even if a shell reads it:', () => {
  for (const [name, words] of SHELLS) {
    refusing(name, async ({ lab }) => {
      const traps = join(lab.folder, 'p', 'traps');
      const trap = `#!/bin/sh\ntouch "${lab.folder}/p/ran-$(basename "$0")"\n`;
      const order = composeOrder(
        { job_id: 'mend-the-roof-abcd1234', typing: { mam: 'node /opt/main.js' } },
        {
          prompt: undefined,
          taskFile: join(lab.project, '.mam/jobs/mend-the-roof-abcd1234/prompt.md'),
        },
      );
      // Every word is a command here, except the first of each line, which a shell would take as the command.
      const known = new Set(
        order.split(/[^A-Za-z_]+/).filter((word) => !/^(?:Job|Without|Use|)$/.test(word)),
      );
      for (const word of known) lab.write(`traps/${word}`, trap, 0o755);
      const end = join(lab.project, `end-${name}`);
      await shellBehind(lab, name, `PATH='${traps}':"$PATH" ${[name, ...words].join(' ')}`);
      const before = readdirSync(lab.project);
      await lab.tmux('set-buffer', '-b', 'order', '--', order);
      await lab.tmux('paste-buffer', '-p', '-r', '-d', '-b', 'order', '-t', `=${name}:`);
      await lab.tmux('send-keys', '-t', `=${name}:`, 'Enter');
      await lab.tmux('send-keys', '-t', `=${name}:`, 'Enter', `touch '${end}'`, 'Enter');
      await until('the shell has gone through it all', () => existsSync(end));
      expect(readdirSync(lab.project).filter((entry) => !before.includes(entry))).toEqual([`end-${name}`]);
      await lab.tmux('kill-session', '-t', `=${name}`);
    });
  }
});

refusing('a pane is typed into whatever is behind its program if a user says so', async ({ lab, server }) => {
  const log = join(lab.folder, 'p', 'inner.log');
  const program = join(import.meta.dirname, '../peers/peer.mjs');
  await lab.startSession(
    'pane',
    `exec python3 '${CARRIER}' '${process.execPath}' '${program}' --log '${log}' --report ''`,
  );
  await until('it is ready', async () =>
    (await lab.tmux('capture-pane', '-p', '-t', '=pane:')).includes('READY>'),
  );
  const job = { prompt: 'Mend the roof', agent: 'command', agent_session: 'tmux:pane' };
  expect(await server.refusal('delegate_job', job)).toContain('holds another terminal open');
  const shown = await server.ask('delegate_job', { ...job, trust_pane: true, dry_run: true });
  expect(shown.typed_text).toContain('The task: Mend the roof');
  const { job_id, status } = await server.ask('delegate_job', { ...job, trust_pane: true });
  expect(status).toBe('working');
  expect(lab.orderOf(job_id)).toContain('The task: Mend the roof');
  expect(await lab.tmux('capture-pane', '-p', '-J', '-t', '=pane:')).toContain('The task: Mend the roof');
});
