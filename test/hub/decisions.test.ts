import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MamError } from '../../src/base/errors.ts';
import { newEventId } from '../../src/base/ids.ts';
import { dialogOn } from '../../src/hub/dialogs/shown-dialog.ts';
import { Changes } from '../../src/hub/jobs/changes.ts';
import type { LiveJob } from '../../src/hub/jobs/live-job.ts';
import { Registrar } from '../../src/hub/jobs/registrar.ts';
import type { AgentPane } from '../../src/hub/panes/agent-pane.ts';
import { answerJob } from '../../src/hub/permissions/answer.ts';
import { Decisions } from '../../src/hub/permissions/decisions.ts';
import { Permissions } from '../../src/hub/permissions/permissions.ts';
import { pressDecision } from '../../src/hub/permissions/press-decision.ts';
import { Hooks } from '../../src/hub/signals/hooks.ts';
import { draftEvent } from '../../src/job/event.ts';
import type { HookReport } from '../../src/job/hook.ts';
import type { HookResult } from '../../src/operations/housekeeping.ts';
import { homePaths } from '../../src/registry/home.ts';
import { Seal } from '../../src/registry/seal.ts';
import { ORDER } from '../job/story.ts';
import { pause, until } from '../support/until.ts';

const ASKS: HookReport = { type: 'permission_required', tool: 'Bash', input: 'touch roof' };
const DIALOG = [
  '  Would you like to run the following command?',
  '',
  '  $ touch roof',
  '',
  '› 1. Yes, proceed (y)',
  '  2. No, and tell Codex what to do differently (esc)',
  '',
  '  Press enter to confirm or esc to cancel',
];
const OTHER = DIALOG.map((line) => line.replace('roof', 'roof && touch cellar'));
const BOX = ['› Ask for something', '', '  scripted default · /home/me/project'];
const BUSY = ['• Working (2s • esc to interrupt)', '', ...BOX];
const HAS_ENDED = { code: 'conflict', message: expect.stringContaining('ended') };
const log = { info() {}, warn() {}, error() {} };

let folder: string;
let registrar: Registrar;
let job: LiveJob;
let permissions: Permissions;
let decisions: Decisions;
let hooks: Hooks;
/** What the pane shows, and what happens on the next look. */
let screen: string[];
let onLook: () => void;
let afterKey: () => string[];
/** What it shows after the agent was given a decision. */
let afterwards: string[];
const pressed: string[] = [];
/** What was interpreted as the end of a turn. */
const ends: string[] = [];

const pane: AgentPane = {
  look: async () => {
    onLook();
    return { dead: false, lines: screen };
  },
  press: async (key, { mayPress }) => {
    if (!mayPress(screen)) return 'the screen has changed';
    pressed.push(key);
    screen = afterKey();
    return undefined;
  },
};

/** What a hub knows about permissions when it starts. */
function begin(): void {
  const paneOf = () => pane;
  permissions = new Permissions({ registrar, paneOf, log });
  decisions = new Decisions({ registrar, permissions, paneOf });
  hooks = new Hooks({
    registrar,
    owners: { openJobOf: () => job },
    permissions,
    decisions,
    turns: { ended: () => ends.push('ended'), interrupted: () => ends.push('interrupted'), failed() {} },
    watch: { hears() {}, lookOften() {} },
    changes: new Changes(),
    conversations: { heard: async () => {} },
    used: { tookPrompt: async () => {} },
    log,
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mam-decisions-'));
  const home = homePaths(join(folder, 'home'));
  mkdirSync(home.live, { recursive: true, mode: 0o700 });
  const outlets = { isBusy: () => false, catchUp() {}, clear() {} };
  registrar = new Registrar({ home, seal: Seal.of(home), log, outlets });
  registrar.onRecorded = (one, recorded) => permissions.onRecorded(one, recorded);
  screen = DIALOG;
  afterwards = BUSY;
  afterKey = () => [];
  onLook = () => {};
  pressed.length = 0;
  ends.length = 0;
  begin();
  const dir = join(folder, 'jobs');
  mkdirSync(dir);
  await registrar.ready(dir);
  const pane = { socket: '/nowhere', session: 'asker', window: 0, pane: '%1', session_created: 0 };
  const agent = { pid: process.pid, start: '', command: 'codex', pane_pid: process.pid };
  const job_id = 'roof-12345678';
  const place = { registry_dir: dir, log_dir: join(dir, job_id), workdir: folder };
  const peer = { agent: 'codex', agent_session: pane, agent_process: agent };
  job = registrar.create({ ...ORDER, job_id, ...place, ...peer }, 'Mend the roof');
  job.uncork();
  await job.kept;
  await registrar.record(job, draftEvent(job.id, 'submitted', {}));
});

afterEach(async () => {
  if (!job.isFinal) await cancel();
  await registrar.close();
  rmSync(folder, { recursive: true, force: true });
});

const tell = (report: HookReport, waits = false): Promise<HookResult> =>
  hooks.takeHook({ agent: 'codex', report, origin: { pids: [process.pid] }, waits });
/** A client decides, with a request of this id. */
const decide = (verdict: 'allow' | 'deny', asked = newEventId()) =>
  answerJob(
    registrar,
    decisions,
    { job_id: job.id, registry_dir: job.registryDir, decision: verdict, by: 'supervisor' },
    asked,
  ).then(({ delivered }) => delivered);
const allow = (asked?: string) => decide('allow', asked);
const types = () => job.eventsAfter(0).map(({ type }) => type);
const request = () => job.record.requests[0];
/** The screen, or an earlier hub, has reported a request. */
const asks = () => registrar.record(job, draftEvent(job.id, 'permission_required', { data: { ...ASKS } }));
const cancel = () => registrar.record(job, draftEvent(job.id, 'cancelled', { source: 'supervisor' }));

/** A hook of a waiting agent reports a request; @returns its answer */
async function asked(): Promise<{ answer: Promise<HookResult> }> {
  const answer = tell(ASKS, true);
  void answer.then(({ decision }) => {
    if (decision !== undefined) screen = afterwards;
  });
  await until('the request is open', () => request() !== undefined);
  return { answer };
}

function atFirstLook(run: () => void): void {
  onLook = () => {
    onLook = () => {};
    run();
  };
}

/** Runs something while a pending decision has its place in the journal but is not on the disk yet. */
function onDeciding(run: () => void): void {
  const append = job.append.bind(job);
  job.append = (draft) => {
    const written = append(draft);
    if (draft.type === 'deciding') queueMicrotask(run);
    return written;
  };
}

test('a hook that its agent ends while the decision is written has not delivered it', async () => {
  const { answer } = await asked();
  onDeciding(() => void tell({ type: 'permission_settled' }));
  await expect(allow()).rejects.toMatchObject({ code: 'conflict' });
  expect(await answer).toEqual({});
  expect(request()).toMatchObject({ decision: 'settled in the pane' });
  expect(request()?.decided_by).toBeUndefined();
});

test('what a hook reports after its decision waits until the decision is resolved', async () => {
  const { answer } = await asked();
  const decided = allow();
  await answer;
  await tell({ type: 'tool_used', tool: ASKS.tool, input: ASKS.input });
  expect(await decided).toContain("The agent's hook has taken the decision");
  expect(request()).toMatchObject({ decision: 'allow', decided_by: 'supervisor' });
  expect(types().filter((type) => type === 'permission_resolved')).toHaveLength(1);
});

test('a job that is cancelled while its decision is written gets none', async () => {
  const { answer } = await asked();
  onDeciding(() => void cancel());
  await expect(allow()).rejects.toMatchObject(HAS_ENDED);
  expect(await answer).toEqual({});
});

test('a key is pressed once', async () => {
  await asks();
  expect(await allow()).toContain('1 was pressed (allow)');
  expect(pressed).toHaveLength(1);
});

test('no key is pressed for a job that is cancelled while its dialog is looked at', async () => {
  await asks();
  atFirstLook(() => void cancel());
  await expect(allow()).rejects.toMatchObject(HAS_ENDED);
  expect(pressed).toEqual([]);
});

test('no key is pressed on the dialog of the next request that asks for the same', async () => {
  await asks();
  atFirstLook(() => void tell({ type: 'turn_ended' }));
  await expect(allow()).rejects.toMatchObject({ code: 'conflict' });
  expect(pressed).toEqual([]);
  expect(request()).toMatchObject({ decision: 'settled in the pane' });
});

test('no key is pressed on another dialog that appears after the look', async () => {
  await asks();
  onLook = () => {
    onLook = () => {
      screen = OTHER;
    };
  };
  await expect(allow()).rejects.toMatchObject({ message: expect.stringContaining('another dialog') });
  expect(pressed).toEqual([]);
});

test('no key is pressed on a screen that keeps changing', async () => {
  await asks();
  onLook = () => {
    onLook = () => {
      screen = screen === OTHER ? DIALOG : OTHER;
    };
  };
  await expect(allow()).rejects.toMatchObject({ message: expect.stringContaining('keeps changing') });
  expect(pressed).toEqual([]);
});

test('of two decisions at once one is carried out', async () => {
  const { answer } = await asked();
  const both = await Promise.allSettled([allow(), allow()]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await answer).toMatchObject({ decision: 'allow' });
  expect(types().filter((type) => type === 'answered')).toHaveLength(1);
});

test('a request that the peer itself has moved past accepts no decision', async () => {
  const question = { ...draftEvent(job.id, 'permission_required'), detail: 'May I?' };
  await registrar.record(job, { ...question, source: 'peer' });
  const went = registrar.record(job, { ...draftEvent(job.id, 'progress'), source: 'peer' });
  await expect(allow()).rejects.toMatchObject({ code: 'conflict' });
  await went;
  expect(job.record.messages).toEqual([]);
});

test("the end of the previous turn is not taken for the end of the job's turn", async () => {
  // The agent runs both hooks at once, and the earlier turn's hook arrives last, or first.
  const early = tell({ type: 'interrupted', turn_id: 'turn-1' });
  await tell({ type: 'submitted', text: `Job ${job.id} was delegated to you`, turn_id: 'turn-2' });
  await early;
  await tell({ type: 'turn_ended', turn_id: 'turn-1' });
  expect(ends).toEqual([]);
  await tell({ type: 'turn_ended', turn_id: 'turn-2' });
  await tell({ type: 'submitted', text: 'And now?', turn_id: 'turn-3' });
  await tell({ type: 'turn_ended', turn_id: 'turn-3' });
  await tell({ type: 'turn_ended' });
  expect(ends).toEqual(['ended', 'ended', 'ended']);
});

test('a hook that asks while its job ends is not kept waiting', async () => {
  const cancelled = cancel();
  expect(await tell(ASKS, true)).toEqual({});
  await cancelled;
});

test('a hook whose request is no longer in the record continues', async () => {
  const first = tell({ ...ASKS, input: 'touch 0' }, true);
  await until('the first request is open', () => request() !== undefined);
  for (let count = 1; count <= 40; count++) void tell({ ...ASKS, input: `touch ${count}` }, true);
  expect(await first).toEqual({});
});

test('the end of a request that cannot be written now is written once', async () => {
  await asks();
  const append = job.append.bind(job);
  job.append = () => Promise.reject(new MamError('io', 'The disk is full.'));
  await permissions.seen(job, undefined);
  await pause(150);
  for (let looks = 0; looks < 3; looks++) await permissions.seen(job, undefined);
  await tell({ type: 'turn_ended' });
  job.append = append;
  registrar.onTick();
  await until('it is written', () => types().includes('permission_resolved'));
  await permissions.seen(job, undefined);
  expect(types().filter((type) => type === 'permission_resolved')).toHaveLength(1);
});

test('a request of an earlier hub is resolved when another dialog replaces it', async () => {
  await asks();
  begin();
  screen = OTHER;
  await expect(allow()).rejects.toMatchObject({ code: 'conflict' });
  expect(pressed).toEqual([]);
  expect(request()).toMatchObject({ decision: 'settled in the pane, or put off by the agent' });
});

describe('a decision that was given', () => {
  test('is not taken back by one that is refused meanwhile', async () => {
    const { answer } = await asked();
    afterwards = DIALOG;
    const first = allow();
    await answer;
    await expect(decide('deny')).rejects.toMatchObject({ message: expect.stringContaining('Someone else') });
    expect(request()).toMatchObject({ decision: 'allow', decided_by: 'supervisor' });
    screen = BUSY;
    await first;
    expect(request()).toMatchObject({ decision: 'allow', decided_by: 'supervisor' });
  });

  test('is not reported as refused because the next dialog asks the same', async () => {
    afterwards = DIALOG;
    const { answer } = await asked();
    const decided = allow();
    await answer;
    await tell({ type: 'tool_used', tool: ASKS.tool, input: ASKS.input });
    expect(await decided).toContain('the tool has run; the next dialog looks the same');
    expect(request()).toMatchObject({ decision: 'allow', decided_by: 'supervisor' });
  });

  test('is not reported as refused because tmux ends', async () => {
    await asks();
    afterKey = () => {
      onLook = () => {
        throw new MamError('not_found', 'No tmux server is running.');
      };
      setTimeout(cancel, 100);
      return [];
    };
    expect(await allow()).toContain('1 was pressed (allow) and the job ended');
    expect(types()).not.toContain('decision_refused');
    expect(request()).toMatchObject({ decision: 'the job ended after allow was given' });
  });

  test('is reported as given, then as resolved by what was seen', async () => {
    await asked();
    await allow();
    const told = types().slice(-4);
    expect(told).toEqual(['permission_required', 'deciding', 'answered', 'permission_resolved']);
    expect(request()).toMatchObject({ decision: 'allow', decided_by: 'supervisor' });
  });

  test('is written later if it cannot be now, and is not reported as refused', async () => {
    await asked();
    const append = job.append.bind(job);
    job.append = (draft) => {
      if (draft.type !== 'answered') return append(draft);
      job.append = append;
      return Promise.reject(new MamError('io', 'The disk is full.'));
    };
    expect(await allow()).toContain('has taken the decision');
    expect(types().slice(-3)).toEqual(['deciding', 'answered', 'permission_resolved']);
  });

  const ends: [string, () => Promise<unknown>][] = [
    ['the agent had ended its hook', () => tell({ type: 'permission_settled' })],
    ['the agent interrupts its turn', () => tell({ type: 'interrupted' })],
  ];
  test.each(ends)('right after the person has denied is not reported as effective: %s', async (_, tells) => {
    const { answer } = await asked();
    const decided = allow();
    await answer;
    await tells();
    expect(await decided).toContain('not proven');
    expect(request()).toMatchObject({ decision: 'settled after allow was given' });
    expect(request()?.decided_by).toBeUndefined();
  });

  test('is not reported as effective if the agent is then idle', async () => {
    afterwards = BOX;
    await asked();
    expect(await allow()).toContain('the agent is idle');
    expect(request()).toMatchObject({ decision: 'settled after allow was given' });
  });

  test('right after the person has allowed is not a denial: the tool has run', async () => {
    const { answer } = await asked();
    const decided = decide('deny');
    await answer;
    await tell({ type: 'tool_used', tool: ASKS.tool, input: ASKS.input });
    expect(await decided).toContain('the tool has run');
    expect(request()).toMatchObject({ decision: 'settled after deny was given' });
  });
});

test('a decision that comes again after a kill of the hub is not carried out again on a dialog that asks the same', async () => {
  await asks();
  const end = pane.press;
  pane.press = () => new Promise(() => {});
  void allow('once');
  await until('it is given', () => permissions.given(job).length > 0);
  pane.press = end;
  begin();
  await expect(allow('once')).rejects.toMatchObject({ code: 'conflict' });
  expect(pressed).toEqual([]);
  await allow();
  expect(pressed).toHaveLength(1);
  expect(await allow('once')).toContain('no longer open: allow');
  expect(types().filter((type) => type === 'decision_refused')).toEqual([]);
});

describe('a decision that cannot be carried out', () => {
  const cases: [string, string[]][] = [
    ['a dialog that can not be read', DIALOG.map((line) => line.replace('Yes, proceed', 'Yes, and always'))],
    [
      'a dialog of another kind',
      ['', '  Trust this folder?', '', '› 1. Trust and continue', '', '  Press enter to continue'],
    ],
  ];
  test.each(cases)('is journalled as refused: %s', async (_, shown) => {
    screen = shown;
    await permissions.seen(job, dialogOn(screen, job.record));
    await until('it is told', () => request() !== undefined);
    const refusal = await allow().catch((error) => error);
    expect(refusal).toMatchObject({ code: 'refused' });
    expect(refusal.text).toMatch(
      new RegExp(`^\`mam attach ${job.id}\`: a person must answer it in its pane`),
    );
    expect(refusal.message).not.toContain('another dialog');
    expect(types()).toContain('decision_refused');
    expect(types()).not.toContain('answered');
    expect(request()).not.toHaveProperty('decision');
    expect(request()).not.toHaveProperty('decided_by');
    expect(request()?.text).toContain(`mam attach ${job.id}`);
    expect(pressed).toEqual([]);
  });

  test('is refused if it is not known how a kind is answered', async () => {
    const record = { ...job.record, agent: 'robot' };
    const [asked] = (await asks()).after.requests;
    if (asked === undefined) throw new Error('no request');
    const refused = await pressDecision(pane, record, asked, {}, 'deny', async () => true);
    expect(refused).toMatchObject({ kind: 'refused', why: expect.stringContaining('robot is answered') });
    expect(pressed).toEqual([]);
  });

  test('because the key was ignored leaves its request as it was', async () => {
    await asks();
    afterKey = () => DIALOG;
    await expect(allow()).rejects.toMatchObject({ code: 'refused' });
    expect(types().slice(-3)).toEqual(['deciding', 'answered', 'decision_refused']);
    expect(request()).not.toHaveProperty('decision');
  });
});

test('what is open when the job ends is resolved', async () => {
  await asked();
  await cancel();
  expect(request()).toMatchObject({ decision: 'the job ended', resolved_at: expect.any(String) });
});
