import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isAlive } from '../../src/base/process-id.ts';
import {
  type DeliveryEnd,
  type DeliverySteps,
  deliver,
  type Look,
  preflight,
  pressKey,
} from '../../src/tmux/deliver.ts';
import { type AgentProcess, foreground } from '../../src/tmux/process.ts';
import { capture } from '../../src/tmux/screen.ts';
import { isRunning } from '../support/processes.ts';
import { PATIENCE, pause, until } from '../support/until.ts';
import { type Receiver, TmuxLab } from './lab.ts';

const ID = 'fix-the-tests-abcd1234';
const TEXT = `Job ${ID} was delegated to you: call publish_event with event "started"; $HOME \`x\` #{pane_id} 한국어.\nUse only this id: ${ID}`;
const PLAIN: Look = { patterns: {}, settleMs: 0, needle: ID, submitKey: 'Enter' };
const KNOWN: Look = {
  ...PLAIN,
  patterns: {
    ready: /^READY> *$/m,
    busy: /esc to interrupt/,
    dialog: /Do you want to proceed\?/,
    draft: /(?<=READY> )\S.*/,
  },
};

/** One tmux server for all, with the session of one test at a time. */
let lab: TmuxLab;
let failed = false;
beforeAll(async () => {
  lab = new TmuxLab();
  await lab.startTmux();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') failed = true;
  await lab.endReceivers();
});
afterAll(() => lab.end(failed));

interface Heard {
  end: DeliveryEnd;
  visible: string[];
  submitted: string[];
}

async function hand(
  { target }: Receiver,
  look: Look = PLAIN,
  extra: Partial<DeliverySteps> = {},
): Promise<Heard> {
  const visible: string[] = [];
  const submitted: string[] = [];
  const end = await deliver({ server: lab.server, target }, TEXT, look, {
    pasting: async () => {},
    visible: (evidence) => visible.push(evidence),
    submitted: (evidence) => submitted.push(evidence),
    stop: new AbortController().signal,
    ...extra,
  });
  expect(await lab.server.command("list-buffers -F '#{buffer_name}'")).toEqual([]);
  return { end, visible, submitted };
}

const pastes = ({ peer }: Receiver) => peer.pastes;
const enters = ({ peer }: Receiver) => peer.keys.replaceAll(/[^\r]/g, '').length;

describe('a text is handed over', () => {
  test('to a program that echoes: once, byte for byte, one Enter', async () => {
    const peer = await lab.receiver();
    const heard = await hand(peer);
    expect(heard.end).toEqual({ kind: 'submitted' });
    expect(heard.visible).toEqual([`the text with ${ID} is on the screen`]);
    expect(heard.submitted).toEqual(['the text left the box and is above it']);
    expect(pastes(peer)).toEqual([TEXT]);
    expect(enters(peer)).toBe(1);
  });

  test('twice with one id: the first text on the screen proves nothing about the second', async () => {
    const peer = await lab.receiver();
    const look: Look = { ...PLAIN, patterns: { ready: /^READY> *$/m } };
    for (const round of [1, 2, 3]) {
      expect((await hand(peer, look)).end).toEqual({ kind: 'submitted' });
      expect(pastes(peer)).toHaveLength(round);
      expect(enters(peer)).toBe(round);
    }
  });

  test.each([
    ['--echo 500', PLAIN, /the text with/],
    ['--show collapsed', PLAIN, /shows \[Pasted text #1 \+1 lines\]/],
    ['--show collapsed', KNOWN, /shows \[Pasted text #1 \+1 lines\]/],
    ['--show other', PLAIN, /^the screen changed after the paste$/],
    ['--show framed', PLAIN, /the text with/],
    ['--clock', PLAIN, /the text with/],
    ['--flood', PLAIN, /./],
    [
      '--placeholder',
      { ...KNOWN, patterns: { ...KNOWN.patterns, ready: /^READY> *(try ".*")?$/m } },
      /the text with/,
    ],
  ] as [string, Look, RegExp][])('to one with %s', async (options, look, evidence) => {
    const peer = await lab.receiver(options.split(' '));
    const heard = await hand(peer, look);
    expect(heard.end).toEqual({ kind: 'submitted' });
    expect(heard.visible).toEqual([expect.stringMatching(evidence)]);
    await until('one Enter has come', () => enters(peer) === 1);
    expect(pastes(peer)).toEqual([TEXT]);
  });

  /** Its box counts as shown once it has drawn its prompt, whatever follows. */
  const EARLY: Look = { ...KNOWN, patterns: { ready: /^READY>/m }, breaksEarly: true };

  test.each([
    ['swallows the first Enter: again', '--swallow 1', PLAIN, 2],
    ['swallows the first Enter, and draws all the time: again', '--swallow 1 --clock', PLAIN, 2],
    ['has its cursor away from its box', '--park', PLAIN, 1],
    ['has its cursor away from its box, and swallows the first Enter', '--park --swallow 1', PLAIN, 2],
    ['draws in two steps after Enter, unknown', '--halfway', PLAIN, 1],
    ['draws in two steps after Enter, known', '--halfway', KNOWN, 1],
    ['takes the first Enter for a line break: again', '--break 1', { ...KNOWN, breaksEarly: true }, 2],
    ['shows a row of its own after Enter, which proves nothing', '--swallow 1 --late', PLAIN, 2],
    ['shows a placeholder, and takes the first Enter so: again', '--show collapsed --break 1', EARLY, 2],
  ] as [string, string, Look, number][])('once to one that %s', async (_is, options, look, presses) => {
    const peer = await lab.receiver(options.split(' '));
    const heard = await hand(peer, look);
    expect(heard.end).toEqual({ kind: 'submitted' });
    if (options === '--halfway') expect(heard.submitted).toEqual(['the text left the box and is above it']);
    expect(enters(peer)).toBe(presses);
    expect(pastes(peer)).toEqual([TEXT]);
  });

  test.each([
    ['takes both for line breaks, though it shows its box', '--break 2', EARLY, 2],
    ['works on without a word behind the text', '--break 1', KNOWN, 1],
  ] as [string, string, Look, number][])('unverified to one that %s', async (_is, options, look, presses) => {
    const peer = await lab.receiver(options.split(' '));
    expect((await hand(peer, look)).end.kind).toBe('unverified');
    expect(enters(peer)).toBe(presses);
  });

  test('to one whose cursor is away from its box, and a person writes next to it: no Enter', async () => {
    const peer = await lab.receiver(['--park', '--edit']);
    const pasting = async () => {
      await lab.tmux('send-keys', '-t', peer.target.pane, 'x');
    };
    expect((await hand(peer, PLAIN, { pasting })).end.kind).toBe('unverified');
    expect(enters(peer)).toBe(0);
  });

  test('with a settling time between', async () => {
    const peer = await lab.receiver();
    expect((await hand(peer, { ...KNOWN, settleMs: 120 })).end).toEqual({ kind: 'submitted' });
    const [paste, enter] = peer.peer.reads.slice(-2);
    expect((enter?.at ?? 0) - (paste?.at ?? 0)).toBeGreaterThan(119);
  });

  test('without its control characters: nothing can end the brackets', async () => {
    const peer = await lab.receiver();
    const end = await deliver(
      { server: lab.server, target: peer.target },
      `a\x1b[201~\rrm -rf\x00\x03\tb ${ID}`,
      PLAIN,
      {
        ...{ pasting: async () => {}, visible: () => {}, submitted: () => {} },
        stop: new AbortController().signal,
      },
    );
    expect(end).toEqual({ kind: 'submitted' });
    expect(pastes(peer)).toEqual([`a[201~\nrm -rf b ${ID}`]);
    expect(enters(peer)).toBe(1);
  });
});

describe('nothing is pasted', () => {
  test.each([
    ['busy', ['--busy', 'Working (2s, esc to interrupt)'], /esc to interrupt/],
    ['draft', ['--box', 'half a sentence'], /half a sentence/],
  ])('into a box that is %s', async (by, options, evidence) => {
    const peer = await lab.receiver(options);
    const { end } = await hand(peer, KNOWN);
    expect(end).toEqual({ kind: 'blocked', obstacle: { by, evidence: expect.stringMatching(evidence) } });
    expect(peer.peer.bytes).toHaveLength(0);
  });

  test('without a ready screen, or while a dialog is up', async () => {
    const peer = await lab.receiver();
    const look = (ready: RegExp, dialog: RegExp): Look => ({ ...PLAIN, patterns: { ready, dialog } });
    expect((await hand(peer, look(/nothing/, /nothing/))).end).toMatchObject({
      obstacle: { by: 'not_ready' },
    });
    expect((await hand(peer, look(/READY/, /READY/))).end).toMatchObject({
      obstacle: { by: 'dialog', evidence: 'READY>' },
    });
    expect(peer.peer.bytes).toHaveLength(0);
  });

  test('in copy mode, with input off, with synchronized panes', async () => {
    const peer = await lab.receiver();
    const { pane } = peer.target;
    await lab.tmux('copy-mode', '-t', pane);
    expect((await hand(peer)).end).toMatchObject({ kind: 'blocked', obstacle: { by: 'copy_mode' } });
    await lab.tmux('send-keys', '-t', pane, '-X', 'cancel');
    await lab.tmux('select-pane', '-d', '-t', pane);
    expect((await hand(peer)).end).toMatchObject({
      obstacle: { by: 'unreachable', evidence: expect.stringMatching(/off/) },
    });
    await lab.tmux('select-pane', '-e', '-t', pane);
    await lab.tmux('set-option', '-w', '-t', pane, 'synchronize-panes', 'on');
    expect((await hand(peer)).end).toMatchObject({
      obstacle: { by: 'unreachable', evidence: expect.stringMatching(/synchronize/) },
    });
    await lab.tmux('set-option', '-w', '-t', pane, 'synchronize-panes', 'off');
    expect(peer.peer.bytes).toHaveLength(0);
    expect((await hand(peer)).end).toEqual({ kind: 'submitted' });
  });

  test('into a pane that is gone, another one, or another process', async () => {
    const peer = await lab.receiver();
    const wrong: [object, RegExp][] = [
      [{ pane: '%99' }, /no longer exists/],
      [{ pane_pid: 1 }, /another program/],
      [{ agent: { ...peer.target.agent, start: '1' } }, /has ended/],
    ];
    for (const [change, why] of wrong) {
      const { end } = await hand({ ...peer, target: { ...peer.target, ...change } });
      expect(end).toEqual({ kind: 'gone', why: expect.stringMatching(why) });
    }
    expect(peer.peer.bytes).toHaveLength(0);
  });

  test('if copy mode begins between the look and the paste', async () => {
    const peer = await lab.receiver();
    const pasting = async () => void (await lab.tmux('copy-mode', '-t', peer.target.pane));
    expect((await hand(peer, PLAIN, { pasting })).end).toMatchObject({
      kind: 'blocked',
      obstacle: { by: 'copy_mode' },
    });
    expect(peer.peer.bytes).toHaveLength(0);
  });

  test('into a pane that dies between the look and the paste; tmux survives', async () => {
    const peer = await lab.receiver();
    const { pane, agent } = peer.target;
    await lab.tmux('set-option', '-p', '-t', pane, 'remain-on-exit', 'on');
    const server = await lab.pid();
    const pasting = async () => {
      process.kill(agent.pid, 'SIGKILL');
      await until(
        'the pane is dead',
        async () => (await lab.tmux('display-message', '-p', '-t', pane, '#{pane_dead}')) === '1',
      );
    };
    expect((await hand(peer, PLAIN, { pasting })).end).toMatchObject({ kind: 'gone' });
    expect((await hand(peer, PLAIN)).end).toMatchObject({
      kind: 'gone',
      why: expect.stringMatching(/has ended/),
    });
    expect(isRunning(server)).toBe(true);
  });

  test('if it was stopped before', async () => {
    const peer = await lab.receiver();
    expect((await hand(peer, PLAIN, { stop: AbortSignal.abort() })).end).toEqual({
      kind: 'stopped',
      remains: false,
    });
    expect(peer.peer.bytes).toHaveLength(0);
  });
});

describe('an agent inside a shell', () => {
  const inShell = (args?: string[]) => lab.receiver(args, 'shell', true);
  const words = async (peer: Receiver) => (await capture(lab.server, peer.target.pane)).join('\n');

  test('that has exited gets nothing, and the shell neither', async () => {
    const peer = await inShell();
    const pasting = async () => {
      process.kill(peer.target.agent.pid, 'SIGKILL');
      await until('bash runs in the pane', async () => (await lab.pane('shell')).command === 'bash');
    };
    expect((await hand(peer, PLAIN, { pasting })).end).toMatchObject({ kind: 'gone' });
    expect((await hand(peer)).end).toMatchObject({ kind: 'gone' });
    expect(await words(peer)).not.toContain(ID);
  });

  test('that is suspended gets nothing, and the shell neither', async () => {
    const peer = await inShell();
    process.kill(peer.target.agent.pid, 'SIGSTOP');
    await until('bash runs in the pane', async () => (await lab.pane('shell')).command === 'bash');
    expect((await hand(peer)).end).toMatchObject({
      kind: 'blocked',
      obstacle: { by: 'unreachable', evidence: expect.stringMatching(/shell \(bash\)/) },
    });
    expect(await pressKey({ server: lab.server, target: peer.target }, 'Escape')).toMatch(/shell/);
    expect(await words(peer)).not.toContain(ID);
    process.kill(peer.target.agent.pid, 'SIGKILL');
  });

  test('that exits at the paste: gone, and no Enter for the shell', async () => {
    const peer = await inShell(['--die-on-paste']);
    expect((await hand(peer)).end).toMatchObject({ kind: 'gone' });
    await until('bash runs in the pane', async () => (await lab.pane('shell')).command === 'bash');
    expect(enters(peer)).toBe(0);
  });
});

describe('between paste and Enter', () => {
  test('a dialog appears: no Enter', async () => {
    const peer = await lab.receiver(['--show', 'dialog']);
    const { end } = await hand(peer, { ...KNOWN, patterns: { dialog: /Do you want to proceed\?/ } });
    expect(end).toEqual({ kind: 'unverified', why: expect.stringMatching(/dialog.*Do you want to proceed/) });
    expect(enters(peer)).toBe(0);
  });

  test('the pane dies and remains: gone, and tmux survives', async () => {
    const peer = await lab.receiver(['--die-on-paste']);
    await lab.tmux('set-option', '-p', '-t', peer.target.pane, 'remain-on-exit', 'on');
    const server = await lab.pid();
    expect((await hand(peer)).end).toMatchObject({ kind: 'gone' });
    expect(isRunning(server)).toBe(true);
    expect(isAlive(peer.target.agent)).toBe(false);
  });

  test('copy mode comes and goes: Enter after it', async () => {
    const peer = await lab.receiver(['--withhold']);
    const { pane } = peer.target;
    const delivery = hand(peer);
    await until('one paste has come', () => pastes(peer).length === 1);
    await lab.tmux('copy-mode', '-t', pane);
    peer.peer.show();
    await until('the screen shows the id', async () =>
      (await capture(lab.server, pane)).some((line) => line.includes(ID)),
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(enters(peer)).toBe(0);
    await lab.tmux('send-keys', '-t', pane, '-X', 'cancel');
    expect((await delivery).end).toEqual({ kind: 'submitted' });
    expect(enters(peer)).toBe(1);
  });

  test('copy mode stays: no Enter', async () => {
    const peer = await lab.receiver(['--withhold']);
    const delivery = hand(peer);
    await until('one paste has come', () => pastes(peer).length === 1);
    await lab.tmux('copy-mode', '-t', peer.target.pane);
    peer.peer.show();
    expect((await delivery).end).toEqual({ kind: 'unverified', why: expect.stringMatching(/copy mode/) });
    expect(enters(peer)).toBe(0);
  });

  test('the peer reports: no more keys', async () => {
    const peer = await lab.receiver(['--withhold']);
    const stop = new AbortController();
    const delivery = hand(peer, PLAIN, { stop: stop.signal });
    await until('one paste has come', () => pastes(peer).length === 1);
    stop.abort();
    peer.peer.show();
    expect((await delivery).end).toEqual({ kind: 'stopped', remains: true });
    const seen = new AbortController();
    const other = await lab.receiver([], 'other');
    const settling = { ...PLAIN, settleMs: 50 };
    expect((await hand(other, settling, { stop: seen.signal, visible: () => seen.abort() })).end).toEqual({
      kind: 'stopped',
      remains: true,
    });
    expect(enters(peer) + enters(other)).toBe(0);
  });

  test.each([[KNOWN], [PLAIN]])('a person replaces our text with other words: no Enter', async (look) => {
    const peer = await lab.receiver(['--show', 'erased']);
    // The peer's person needs 50 ms, or more on a busy machine.
    const settleMs = 1_000 * PATIENCE;
    expect((await hand(peer, { ...look, settleMs })).end).toMatchObject({ kind: 'unverified' });
    expect(pastes(peer)).toEqual([TEXT]);
    expect(enters(peer)).toBe(0);
  });

  test('no echo at all: no Enter', async () => {
    const peer = await lab.receiver(['--show', 'nothing']);
    expect((await hand(peer)).end).toEqual({
      kind: 'unverified',
      why: expect.stringMatching(/not seen for 5 s/),
    });
    expect(pastes(peer)).toEqual([TEXT]);
    expect(enters(peer)).toBe(0);
  });
});

test('a program that ignores Enter: twice at most, then unverified', async () => {
  const peer = await lab.receiver(['--swallow', '9']);
  expect((await hand(peer)).end).toEqual({
    kind: 'unverified',
    why: expect.stringMatching(/did not take Enter/),
  });
  expect(enters(peer)).toBe(2);
  expect(pastes(peer)).toEqual([TEXT]);
});

test.each([[PLAIN], [{ ...KNOWN, patterns: { ready: /^READY>/m } }]])(
  'a pane that gets another size proves nothing',
  async (look) => {
    const peer = await lab.receiver(['--swallow', '1']);
    const handing = hand(peer, look);
    await until('Enter is pressed', () => enters(peer) === 1);
    await lab.tmux('resize-window', '-t', peer.target.pane, '-x', '90', '-y', '40');
    expect((await handing).end).toEqual({ kind: 'submitted' });
    expect(enters(peer)).toBe(2);
  },
);

describe('a person is at the box', () => {
  const EDITOR: Look = {
    ...PLAIN,
    patterns: { ready: /^READY>/m, busy: /esc to interrupt/, draft: /(?<=READY> )\S[\s\S]*/ },
  };
  const LOOKS: [string, Look][] = [
    ['plain', PLAIN],
    ['editor', EDITOR],
  ];
  const type = (peer: Receiver, ...keys: string[]) => lab.tmux('send-keys', '-t', peer.target.pane, ...keys);
  /** No person is faster; on a busy machine a look that starts with Enter takes longer. */
  const later = (peer: Receiver, ...keys: string[]) =>
    pause(Math.min(1_000, 150 * PATIENCE)).then(() => type(peer, ...keys));
  const ownWords = async (peer: Receiver) => {
    await later(peer, 'C-u', 'my own words');
    // Nobody types so fast that no look happens in between.
    await pause(300 * PATIENCE);
    await type(peer, 'Enter');
  };
  /** Each case with its own program, all at once: most of their time is waiting. */
  const each = <T>(cases: T[], run: (one: T, look: Look, session: string) => Promise<void>) =>
    Promise.all(cases.flatMap((one, at) => LOOKS.map(([name, look]) => run(one, look, `${name}${at}`))));

  test('after a swallowed Enter: their changes prove nothing, and what they changed is not sent', async () => {
    const stays = /stays in its box/;
    const CASES: [(peer: Receiver) => Promise<unknown>, RegExp, number][] = [
      [(peer) => type(peer, ' and delete it'), /someone has changed it/, 1],
      [(peer) => type(peer, 'C-a', 'not: '), /someone has changed it/, 1],
      [(peer) => later(peer, 'C-u'), /nothing shows that the agent took it/, 1],
      [ownWords, /someone has changed it/, 2],
      [(peer) => lab.tmux('split-window', '-d', '-h', '-t', peer.target.pane, 'exec sleep 60'), stays, 2],
      [(peer) => lab.tmux('resize-window', '-t', peer.target.pane, '-x', '20', '-y', '8'), stays, 2],
      [(peer) => lab.tmux('resize-window', '-t', peer.target.pane, '-x', '120', '-y', '2'), stays, 2],
    ];
    await each(CASES, async ([act, why, keys], look, session) => {
      // A person who sends their own words is noticed.
      const swallows = act === ownWords ? '1' : '9';
      const peer = await lab.receiver(['--edit', '--swallow', swallows], session);
      const handing = hand(peer, look);
      await until('Enter is pressed', () => enters(peer) === 1);
      await act(peer);
      const { end, submitted } = await handing;
      expect(end, session).toEqual({ kind: 'unverified', why: expect.stringMatching(why) });
      expect(submitted).toEqual([]);
      await until('its keys have come', () => enters(peer) >= keys);
      expect(enters(peer), session).toBe(keys);
    });
  });

  test('between the paste and Enter: their words are not sent', async () => {
    const CASES: [string[], (peer: Receiver) => Promise<unknown>][] = [
      [[], (peer) => type(peer, ' and delete it')],
      [[], (peer) => type(peer, 'C-a', 'not: ')],
      [['--clock'], (peer) => type(peer, 'x')],
      [['--show', 'collapsed'], (peer) => type(peer, ' and delete it')],
    ];
    await each(CASES, async ([options, act], look, session) => {
      const peer = await lab.receiver(['--edit', '--withhold', ...options], session);
      const handing = hand(peer, look);
      await until('it is pasted', () => pastes(peer).length === 1);
      await act(peer);
      peer.peer.show();
      expect((await handing).end, session).toMatchObject({ kind: 'unverified' });
      expect(enters(peer), session).toBe(0);
    });
  });

  test('between the last look and the paste: their words are not sent', async () => {
    await each([[]], async (options, look, session) => {
      const peer = await lab.receiver(['--edit', ...options], session);
      const pasting = async () => {
        await type(peer, 'not: ');
        await until('they stand there', async () => (await lab.screen(peer.peer)).includes('not:'));
      };
      expect((await hand(peer, look, { pasting })).end, session).toEqual({
        kind: 'unverified',
        why: expect.stringMatching(/written next to it/),
      });
      expect(enters(peer), session).toBe(0);
    });
  });

  test('and sends our text, whose Enter was swallowed, as it is: submitted', async () => {
    await each([[]], async (_, look, session) => {
      const peer = await lab.receiver(['--edit', '--swallow', '1'], session);
      const handing = hand(peer, look);
      await until('Enter is pressed', () => enters(peer) === 1);
      await type(peer, 'Enter');
      expect((await handing).end, session).toEqual({ kind: 'submitted' });
      expect(enters(peer), session).toBe(2);
    });
  });

  test('makes the pane so small that it holds only the end of our text: still submitted', async () => {
    await each(['20x8', '14x60', '9x40', '120x2'], async (size, look, session) => {
      const peer = await lab.receiver([], session);
      const [x = '', y = ''] = size.split('x');
      const pasting = async () => {
        await lab.tmux('resize-window', '-t', peer.target.pane, '-x', x, '-y', y);
      };
      expect((await hand(peer, look, { pasting })).end, `${session} ${size}`).toEqual({ kind: 'submitted' });
      expect(enters(peer), session).toBe(1);
    });
  });
});

describe('an earlier text of ours that may appear late', () => {
  const EARLIER = 'Use only this id, none of an earlier run: earlier-abcd1234';

  test('appears next to the new one: no Enter', async () => {
    const peer = await lab.receiver(['--withhold']);
    await lab.server.command(`set-buffer -b early '${EARLIER}'`);
    await lab.server.command(`paste-buffer -p -d -b early -t ${peer.target.pane}`);
    const handing = hand(peer, { ...PLAIN, others: [EARLIER] });
    await until('both are pasted', () => pastes(peer).length === 2);
    peer.peer.show();
    expect((await handing).end).toMatchObject({
      kind: 'unverified',
      why: expect.stringContaining('has appeared next to it'),
    });
    expect(enters(peer)).toBe(0);
  });

  test('does not appear: the new one is sent', async () => {
    const peer = await lab.receiver();
    expect((await hand(peer, { ...PLAIN, others: [EARLIER] })).end).toEqual({ kind: 'submitted' });
    expect(enters(peer)).toBe(1);
  });
});

test('interrupt presses one key, under the same guard', async () => {
  const peer = await lab.receiver();
  expect(await pressKey({ server: lab.server, target: peer.target }, 'Escape')).toBeUndefined();
  await until('one key has come', () => peer.peer.keys === '\x1b');
  const agent = foreground(await lab.pane('peer')) as AgentProcess;
  expect(agent.pid).toBe(peer.target.agent.pid);
  await expect(pressKey({ server: lab.server, target: peer.target }, 'a; kill-server')).rejects.toThrow(
    /not the name of a key/,
  );
});

describe('the tmux server is killed', () => {
  let own: TmuxLab;
  beforeEach(async () => {
    own = new TmuxLab();
    await own.startTmux();
  });
  afterEach(({ task }) => own.end(task.result?.state === 'fail'));

  test('before the paste: nothing is typed', async () => {
    const peer = await own.receiver();
    process.kill(await own.pid(), 'SIGKILL');
    await until('the connection is gone', () => !own.server.connected);
    expect(await preflight({ server: own.server, target: peer.target }, PLAIN)).toEqual({
      gone: expect.stringMatching(/No tmux server/),
    });
  });

  test('between paste and Enter: gone', async () => {
    const peer = await own.receiver(['--withhold']);
    const pid = await own.pid();
    const delivery = deliver({ server: own.server, target: peer.target }, TEXT, PLAIN, {
      ...{ pasting: async () => {}, visible: () => {}, submitted: () => {} },
      stop: new AbortController().signal,
    });
    await until('one paste has come', () => pastes(peer).length === 1);
    process.kill(pid, 'SIGKILL');
    expect(await delivery).toMatchObject({ kind: 'gone' });
  });
});
