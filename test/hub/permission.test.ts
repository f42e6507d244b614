import { describe, expect, test } from 'vitest';
import type { ShownDialog } from '../../src/hub/dialogs/shown-dialog.ts';
import { askedBefore, step } from '../../src/hub/permissions/permission.ts';
import { type Action, NOTHING, type Signal, type State } from '../../src/hub/permissions/permission-state.ts';
import type { HookReport } from '../../src/job/hook.ts';
import type { PeerRequest } from '../../src/job/record.ts';
import { read } from '../docs/markdown.ts';

const PID = 4711;
/** Long after anything else. */
const LATER = 1_000;

const hint = (input = 'touch roof', tool = 'Bash', more: Partial<HookReport> = {}): HookReport => ({
  ...{ type: 'permission_required', tool, input, ...more },
});
const dialog = (input = 'touch roof', tool = 'Bash', more: Partial<ShownDialog> = {}): ShownDialog => ({
  ...{ key: `permission\n${tool}\n${input}`, name: 'permission', tool, input, whole: true, isRead: true },
  ...{ commands: ['Bash'], remedy: 'answer it', ...more },
});
const UNREAD = dialog('', '', { whole: false, isRead: false });
const ROOF = { tool: 'Bash', input: 'touch roof' };
const OTHER = dialog('touch cellar');
const request = (more: Partial<PeerRequest> = {}): PeerRequest => ({
  ...{ request_id: 'roof', kind: 'permission', source: 'hook', text: 'Bash: touch roof', at: 'now' },
  ...{ ...ROOF, ...more },
});

const seen = (shown = dialog(), now = 0): Signal => ({ type: 'seen', dialog: shown, now, id: 'roof' });
const empty = (now = 0): Signal => ({ type: 'seen', dialog: undefined, now, id: 'roof' });
/** It is missing at the first look, and gone at the second. */
const replaced = (shown: ShownDialog) => [seen(shown), seen(shown, LATER)];
const left = () => [empty(), empty(LATER)];
const stood = (since = 0): Signal => ({ type: 'stood', since, now: 1_500, id: 'roof' });
const hinted = (report: HookReport, now = 0): Signal => ({ type: 'hinted', report, now });
const asks = (more: Partial<HookReport> = {}): Signal => ({
  ...{ type: 'asked', report: hint(undefined, undefined, more), pid: PID, id: 'roof' },
});
const recorded = (...open: PeerRequest[]): Signal => ({ type: 'recorded', open });
const told = (type: HookReport['type'], more: Partial<HookReport> = {}, pid?: number): Signal => ({
  ...{ type: 'told', report: { type, ...more }, pid },
});

/** The outcome of these signals: the state, and all effects. */
function run(signals: readonly Signal[], begin = NOTHING): { state: State; actions: Action[] } {
  let state = begin;
  const actions: Action[] = [];
  for (const signal of signals) {
    const next = step(state, signal);
    state = next.state;
    actions.push(...next.actions);
  }
  return { state, actions };
}

const did = (actions: readonly Action[]) => actions.map((action) => action.do);

describe('the table of docs/design.md', () => {
  const OPENED = [asks({ call_id: 'call' }), recorded(request()), seen()];
  const STAGES: Record<string, Signal[]> = {
    hinted: [hinted(hint())],
    shown: [seen()],
    opening: [asks({ call_id: 'call' })],
    open: OPENED,
    deciding: [...OPENED, { type: 'decide', id: 'roof' }],
    given: [...OPENED, { type: 'decide', id: 'roof' }, { type: 'give', id: 'roof' }],
    settling: [...OPENED, told('permission_settled', { call_id: 'call' })],
  };
  const SIGNALS: Record<string, Signal[]> = {
    'its dialog is seen': [seen(dialog(), LATER)],
    'another dialog is seen': replaced(OTHER),
    'no dialog is seen': left(),
    'a dialog has been shown for 1.5 s': [seen(UNREAD), stood()],
    'a hook asks for it, and waits': [asks({ call_id: 'call' })],
    'a hook reports how the call went': [told('tool_used', { call_id: 'call' })],
    'a hook reports the end of the turn': [told('turn_ended')],
    'the record shows it as open': [recorded(request())],
    'the record no longer shows it as open': [recorded()],
    'it could not be written': [
      { type: 'tried', write: 'open', id: 'roof' },
      { type: 'tried', write: 'resolve', id: 'roof' },
    ],
    'someone decides': [{ type: 'decide', id: 'roof' }],
    'the agent is about to get the decision': [{ type: 'give', id: 'roof' }],
    'whoever decided sees the outcome': [{ type: 'settle', id: 'roof', evidence: 'it went away' }],
    'whoever decided is done': [{ type: 'release', id: 'roof' }],
    'the job ends': [{ type: 'ended' }],
  };

  const table = /^\| signal \|.*\n\| ---.*\n(?:\|.*\n)+/m.exec(read('docs/design.md'))?.[0] ?? '';
  const [head = [], , ...rows] = table
    .trim()
    .split('\n')
    .map((row) => row.split(' | ').map((cell) => cell.replaceAll('|', '').trim()));
  /** All except signals that name a request while there is none yet. */
  const pairs = rows.flatMap(([signal = '', ...cells]) =>
    cells.flatMap((cell, at) => {
      const stage = head[at + 1] ?? '';
      return cell === '–' ? [] : [{ signal, stage, next: cell === '·' ? stage : cell }];
    }),
  );

  test('has every stage and every signal', () => {
    expect(head.slice(1)).toEqual(Object.keys(STAGES));
    expect(rows.map(([signal]) => signal)).toEqual(Object.keys(SIGNALS));
    expect(rows.every((cells) => cells.length === head.length)).toBe(true);
  });

  const stageOf = ({ requests: [one], hints, shown }: State): string =>
    one?.stage ?? (hints.length > 0 ? 'hinted' : shown?.dialog.key === dialog().key ? 'shown' : 'gone');

  test.each(pairs)('$stage, $signal: $next', ({ stage, signal, next }) => {
    const { state } = run(STAGES[stage] ?? []);
    expect(stageOf(state)).toBe(stage);
    const { state: end, actions } = run(SIGNALS[signal] ?? [], state);
    expect(stageOf(end)).toBe(next);
    // Nothing is written twice or not at all, and no hook waits for what is gone.
    const isNew = (one: string) => (next === one && stage !== one ? [one] : []);
    const due = [
      ...isNew('opening').map(() => 'open'),
      ...isNew('settling').map(() => 'resolve'),
      ...isNew('gone').flatMap(() => (stage === 'hinted' || stage === 'shown' ? [] : ['free'])),
    ];
    expect(did(actions).filter((one) => one !== 'time' && one !== 'lookAgain')).toEqual(due);
  });
});

describe('a request of a hook', () => {
  const open = (more: Partial<HookReport> = {}) => run([asks(more), recorded(request())]).state;

  test.each<[string, Partial<HookReport>, Signal, string | undefined]>([
    [
      'its call was settled',
      { call_id: 'a' },
      told('permission_settled', { call_id: 'a' }),
      'the agent says that it was settled',
    ],
    ['another call was settled', { call_id: 'a' }, told('permission_settled', { call_id: 'b' }), undefined],
    ['its own hook was ended', {}, told('permission_settled', {}, PID), 'the agent says that it was settled'],
    ['another hook was ended', {}, told('permission_settled', {}, 1), undefined],
    ['its tool has run', { call_id: 'a' }, told('tool_used', { call_id: 'a' }), 'the tool has run'],
    ['another tool has run', { call_id: 'a' }, told('tool_used', { call_id: 'b' }), undefined],
    ['the same words ran while its hook waits', {}, told('tool_used', ROOF), undefined],
    ['the turn was interrupted', {}, told('interrupted'), 'the turn has ended'],
    ['the service failed', {}, told('api_error'), 'the turn has ended'],
    ['a prompt was submitted', {}, told('submitted'), undefined],
    ['the limit was reached', {}, told('rate_limited'), undefined],
  ])('when %s', (_, more, signal, evidence) => {
    const { actions } = step(open(more), signal);
    expect(actions).toEqual(
      evidence === undefined ? [] : [{ do: 'resolve', id: 'roof', evidence, decision: undefined }],
    );
  });

  test('that did not wait is resolved when the same command has run', () => {
    const { actions } = run([hinted(hint()), seen(), recorded(request()), told('tool_used', ROOF)]);
    expect(did(actions)).toEqual(['open', 'resolve']);
  });

  test('whose hook was ended while it was written is resolved immediately', () => {
    const { state } = run([asks(), told('permission_settled', {}, PID)]);
    const settling = step(state, recorded(request()));
    expect(settling.actions).toMatchObject([{ do: 'resolve', id: 'roof' }]);
    // Its end is still being written, so it is not written again.
    const after: Signal[] = [{ type: 'tried', write: 'open', id: 'roof' }, told('turn_ended')];
    expect(run(after, settling.state).actions).toEqual([]);
  });

  test('that was given a decision without effect is resolved by what hooks have reported meanwhile', () => {
    const decided: Signal[] = [
      ...[{ type: 'decide', id: 'roof' } as const, { type: 'give', id: 'roof' } as const],
      ...[told('interrupted'), recorded(request({ decision: 'allow' }))],
    ];
    const given = run(decided, open());
    expect(given.actions).toEqual([]);
    expect(given.state.requests[0]?.heard).toMatchObject([{ type: 'interrupted' }]);
    expect(step(given.state, { type: 'release', id: 'roof' }).actions).toMatchObject([
      { evidence: 'the turn has ended', decision: 'settled after allow was given' },
    ]);
  });

  test('whose hub has ended is the same one when its hook asks again', () => {
    const { state } = step(NOTHING, recorded(request()));
    expect(askedBefore(state, hint())).toBe('roof');
    expect(askedBefore(state, hint('touch cellar'))).toBeUndefined();
    expect(askedBefore(open(), hint())).toBeUndefined();
    expect(did(run([asks(), recorded()], state).actions)).toEqual(['free']);
  });

  test('of the peer itself is resolved by no hook and no screen', () => {
    const { state } = step(NOTHING, recorded(request({ source: 'peer' })));
    expect(run([told('turn_ended'), ...left()], state).actions).toEqual([]);
  });
});

describe('a dialog', () => {
  const shown = (one = dialog()) =>
    run([seen(one), stood(), recorded(request({ source: 'hub', tool: one.tool, input: one.input }))]).state;

  test('is a request once it has stayed, unless it has gone or changed before', () => {
    expect(did(run([seen(), seen(dialog(), 700), stood()]).actions)).toEqual(['time', 'open']);
    expect(did(run([seen(), empty(700), stood()]).actions)).toEqual(['time']);
    expect(did(run([seen(), seen(OTHER, 700), stood()]).actions)).toEqual(['time', 'time']);
    expect(did(run([seen(), asks(), stood()]).actions)).toEqual(['time', 'open']);
  });

  test('that cannot be read says what a person has to do', () => {
    const opened = { do: 'open', source: 'hub', remedy: 'answer it' };
    expect(run([seen(UNREAD), stood()]).actions.at(-1)).toMatchObject(opened);
  });

  test('that is briefly missing is being redrawn', () => {
    const { state, actions } = run([empty(10), empty(90), seen(dialog(), 120), empty(200)], shown());
    expect(did(actions)).toEqual(['lookAgain', 'lookAgain', 'lookAgain']);
    expect(step(state, empty(301)).actions).toMatchObject([
      { do: 'resolve', evidence: 'its dialog is gone' },
    ]);
  });

  test('that cannot be read counts for whatever is open', () => {
    expect(run([seen(UNREAD), seen(UNREAD, LATER)], shown()).actions).toEqual([]);
  });

  test('that has not appeared yet does not count as gone', () => {
    expect(did(run([asks(), recorded(request()), ...left()]).actions)).toEqual(['open']);
  });

  test('that another one replaces may be postponed, and is recognised when it returns', () => {
    const first = run([hinted(hint()), seen(), recorded(request())]).state;
    const { state, actions } = run(replaced(OTHER), first);
    expect(actions.find((one) => one.do === 'resolve')).toMatchObject({
      decision: 'settled in the pane, or put off by the agent',
    });
    expect(run([recorded(), seen(dialog(), LATER)], state).actions).toMatchObject([
      { do: 'free' },
      { do: 'open', source: 'hook' },
    ]);
    expect(run([recorded(), told('turn_ended'), seen(dialog(), LATER)], state).actions.at(-1)).toMatchObject({
      do: 'time',
    });
  });

  test.each([
    [{}, 'settled'],
    [{ decision: 'allow', decided_by: 'supervisor' as const }, 'settled after allow was given'],
  ])('that was gone when the hub began proves nothing: %o', (more, decision) => {
    const { actions } = run([recorded(request(more)), ...left()]);
    expect(actions.at(-1)).toMatchObject({ do: 'resolve', decision });
  });

  test('that goes after an earlier hub has answered it is not said to have been settled in the pane', () => {
    const begun = [recorded(request({ decision: 'allow' })), seen()];
    const decision = 'settled after allow was given';
    expect(run([...begun, ...left()]).actions.at(-1)).toMatchObject({ decision });
    expect(run([...begun, told('turn_ended')]).actions.at(-1)).toMatchObject({ decision });
    expect(run([...begun, ...replaced(OTHER)]).actions).toMatchObject([
      { do: 'lookAgain' },
      { decision: `${decision}, or put off by the agent` },
      { do: 'time' },
    ]);
  });

  test.each<[string, ShownDialog, ShownDialog, boolean]>([
    ['one blank more', dialog('rm -r /tmp/x'), dialog('rm -r / tmp/x'), false],
    ['one blank less', dialog('rm -r a /b'), dialog('rm -r a/b'), false],
    [
      'the rest of what was shown in part',
      dialog('echo one\n[… 2 lines]', 'Bash', { whole: false }),
      dialog('echo one && rm -r /'),
      false,
    ],
    [
      'the same in a pane of another width',
      dialog('touch roof && touch cel\nlar'),
      dialog('touch roof && touch\ncellar'),
      true,
    ],
  ])('that shows %s', (_, before, now, isSame) => {
    const { state } = run(replaced(now), shown(before));
    expect(state.requests[0]?.stage).toBe(isSame ? 'open' : 'settling');
  });

  test('that shows a different end than a hook reported is not its request', () => {
    const whole = hint('echo one\necho two\necho three');
    const cut = dialog('echo one\n[… 2 lines]', 'Bash', { whole: false });
    const asked = [hinted(whole), seen(cut), stood(), recorded(request({ input: whole.input }))];
    const { state } = run([...asked, ...replaced(dialog('echo one && rm -r /'))]);
    expect(state.requests[0]?.stage).toBe('settling');
  });
});

describe('what a hook reports in advance', () => {
  const source = (...signals: Signal[]) =>
    run(signals).actions.flatMap((one) => (one.do === 'open' ? [[one.source, one.asked.input]] : []));

  test('is for the dialog that shows it', () => {
    // The hook of file-P, requested in the same answer, has not arrived yet.
    expect(source(hinted(hint('touch file-Q')), seen(dialog('touch file-P')))).toEqual([]);
    const both = [hinted(hint('touch file-Q')), hinted(hint('touch file-P'))];
    expect(source(...both, seen(dialog('touch file-P')))).toEqual([['hook', 'touch file-P']]);
    expect(source(...both, hinted(hint('touch file-P')), seen(dialog('touch file-P')))).toEqual([
      ['hook', 'touch file-P'],
    ]);
  });

  test('is for one that cannot be compared if it is the only hint, and the dialog has stayed', () => {
    const first = hinted(hint('touch file-Q'));
    expect(source(first, seen(UNREAD))).toEqual([]);
    expect(source(first, seen(UNREAD), stood())).toEqual([['hook', 'touch file-Q']]);
    expect(source(first, hinted(hint('touch file-P')), seen(UNREAD), stood())).toEqual([['hub', '']]);
    // A command is compared, so it is never taken for another one.
    expect(source(first, seen(dialog('touch file-P')), stood())).toEqual([['hub', 'touch file-P']]);
    const file = hinted(hint('/home/me/project/notes.txt', 'write_file'));
    expect(source(file, seen(dialog('Writing to other.txt', 'write_file')), stood())).toEqual([
      ['hub', 'Writing to other.txt'],
    ]);
    expect(source(file, seen(dialog('Writing to notes.txt', 'write_file')), stood())[0]?.[0]).toBe('hook');
  });

  test('is forgotten after 15 s', () => {
    expect(source(hinted(hint()), seen(dialog(), 14_999))).toEqual([['hook', 'touch roof']]);
    expect(source(hinted(hint()), seen(dialog(), 15_000))).toEqual([]);
  });

  test('of a dialog that was replaced is only for its own dialog', () => {
    const before = [hinted(hint()), seen(), recorded(request()), seen(OTHER), seen(OTHER, LATER), recorded()];
    expect(source(...before, seen(UNREAD, LATER), stood(LATER)).at(-1)).toEqual(['hub', '']);
    expect(source(...before, seen(dialog(), 60_000)).at(-1)).toEqual(['hook', 'touch roof']);
  });
});
