import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MamError } from '../../../../src/base/errors.ts';
import { Asks, type Outcome } from '../../../../src/hub/mesh/delegator/asks.ts';
import { HomeError } from '../../../../src/hub/mesh/delegator/home-error.ts';
import { NoAnswer } from '../../../../src/hub/mesh/delegator/no-answer.ts';
import type { Ask, AskAnswer } from '../../../../src/hub/mesh/wire/messages.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

/** A host whose clock is an hour ahead; `sent` are the asks that reach it. */
function hostb() {
  const sent: Ask[] = [];
  let problem: MamError | undefined;
  let epoch: string | undefined = 'first';
  const asks = new Asks({
    reach: async () => {
      if (problem !== undefined) throw problem;
    },
    inTheirClock: (_, ms) => new Date(Date.now() + 3_600_000 + ms).toISOString(),
    send: (host, kind, body) => {
      expect([host, kind]).toEqual(['hostb', 'ask']);
      sent.push(body as Ask);
      return true;
    },
    epochOf: () => epoch,
  });
  const answer = (more: Partial<AskAnswer>, from = 'hostb'): void =>
    asks.take(from, { v: 1, id: sent[0]?.id ?? '', now: new Date().toISOString(), ...more });
  return {
    ...{ asks, sent, answer },
    fail: (error: MamError) => (problem = error),
    /** Another hub is there now, or none. */
    becomes: (next: string | undefined) => (epoch = next),
  };
}

/** An ask whose outcome is looked at later. */
function begun(asked: Promise<unknown>): Promise<unknown> {
  return asked.catch((error: unknown) => error);
}

test('an ask expires in the clock of the host, and is repeated with the same id until it is answered', async () => {
  const { asks, sent, answer } = hostb();
  const asked = begun(asks.ask('hostb', 'screen', { job_id: 'x' }));
  await vi.advanceTimersByTimeAsync(0);
  expect(Date.parse(sent[0]?.expires_at ?? '') - Date.now()).toBe(3_620_000);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(new Set(sent.map((ask) => JSON.stringify(ask))).size).toBe(1);
  expect(sent).toHaveLength(3);
  answer({ result: { screen: ['$'] } });
  expect(await asked).toEqual({ screen: ['$'] });
  expect(asks.isBusy).toBe(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toHaveLength(3);
});

test('a hello has it sent again at once', async () => {
  const { asks, sent, answer } = hostb();
  const asked = begun(asks.ask('hostb', 'agents', {}));
  await vi.advanceTimersByTimeAsync(100);
  asks.onOnline('hostc');
  expect(sent).toHaveLength(1);
  asks.onOnline('hostb');
  expect(sent).toHaveLength(2);
  answer({ result: {} });
  await asked;
});

test('nobody else can answer', async () => {
  const { asks, answer } = hostb();
  const asked = begun(asks.ask('hostb', 'agents', {}));
  await vi.advanceTimersByTimeAsync(0);
  answer({ result: { forged: true } }, 'hostc');
  answer({ result: { forged: false } });
  expect(await asked).toEqual({ forged: false });
});

test("the host's own error says where it is from, and is no other error", async () => {
  const { asks, answer } = hostb();
  const asked = begun(asks.ask('hostb', 'stop', {}));
  await vi.advanceTimersByTimeAsync(0);
  answer({ error: { code: 'refused', message: 'Not\u001b[31m here.', hint: 'Ask its user.' } });
  const error = await asked;
  expect(error).toBeInstanceOf(HomeError);
  expect(error).not.toBeInstanceOf(NoAnswer);
  expect(error).toMatchObject({ code: 'refused', saidBy: 'hostb', hint: 'Ask its user.' });
  expect((error as MamError).message).toMatch(/^on hostb: Not.* here\.$/);
  expect((error as MamError).message).not.toContain('\u001b');
  expect(new MamError('refused', 'here')).not.toBeInstanceOf(HomeError);
});

test('without an answer it says that nobody knows whether it was done', async () => {
  const { asks } = hostb();
  const asked = begun(asks.ask('hostb', 'cancel', {}));
  await vi.advanceTimersByTimeAsync(20_000);
  const error = await asked;
  expect(error).toBeInstanceOf(NoAnswer);
  expect((error as MamError).text).toMatch(/not known whether the job is cancelled.*mam hosts check hostb/);
});

test('what takes its time is waited for after its expiry, and asked for again: an answer may have been lost', async () => {
  const { asks, sent, answer } = hostb();
  const asked = begun(asks.ask('hostb', 'verify', {}, { answerMs: 120_000 }));
  await vi.advanceTimersByTimeAsync(20_500);
  const before = sent.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent.length).toBe(before + 1);
  answer({ result: { passed: true } });
  expect(await asked).toEqual({ passed: true });
});

test.each([
  ['a new hub that has not said hello yet', 'second', NoAnswer],
  ['a hub that is not known to be there', undefined, NoAnswer],
  ['the hub that was asked', 'first', HomeError],
])(
  'an expired ask, says %s: only the hub that was asked knows that it was never carried out',
  async (_, epoch, kind) => {
    const { asks, answer, becomes } = hostb();
    const asked = begun(asks.ask('hostb', 'verify', {}, { answerMs: 120_000 }));
    await vi.advanceTimersByTimeAsync(25_000);
    becomes(epoch);
    answer({ error: { code: 'expired', message: 'It came too late.', hint: '' } });
    expect(await asked).toBeInstanceOf(kind);
  },
);

test('once it may have forgotten what it has done, "expired" does not say that nothing was done', async () => {
  const { asks, answer } = hostb();
  const asked = begun(asks.ask('hostb', 'verify', {}, { answerMs: 120_000 }));
  await vi.advanceTimersByTimeAsync(70_000);
  answer({ error: { code: 'expired', message: 'It came too late.', hint: '' } });
  expect(await asked).toBeInstanceOf(NoAnswer);
});

test('of two asks with one id, each is answered, and neither is sent again after that', async () => {
  const { asks, sent, answer } = hostb();
  const both = [1, 2].map(() => begun(asks.ask('hostb', 'stop', {}, { id: 'request-1' })));
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toHaveLength(2);
  answer({ result: { stopped: true } });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await Promise.all(both)).toEqual([{ stopped: true }, { stopped: true }]);
  expect(sent).toHaveLength(2);
});

test('a late answer is handed on', async () => {
  const { asks, answer } = hostb();
  const late: Outcome[] = [];
  const asked = begun(asks.ask('hostb', 'delegate', {}, { onLate: (outcome) => late.push(outcome) }));
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await asked).toBeInstanceOf(NoAnswer);
  answer({ result: { repeated: false } });
  expect(late).toEqual([{ result: { repeated: false } }]);
  answer({ result: { repeated: true } });
  expect(late).toHaveLength(1);
});

test('a host that can not be asked is not sent anything, and neither is what no message can carry', async () => {
  const { asks, sent, fail } = hostb();
  expect(await begun(asks.ask('hostb', 'answer', { text: 'x'.repeat(70_000) }))).toMatchObject({
    code: 'bad_input',
  });
  fail(new MamError('unavailable', 'hostb is offline since yesterday.'));
  expect(await begun(asks.ask('hostb', 'agents', {}))).toMatchObject({ code: 'unavailable' });
  expect(sent).toEqual([]);
});

test('at the end of the hub nobody waits any longer, and nobody is told that nothing was done', async () => {
  const { asks } = hostb();
  const asked = begun(asks.ask('hostb', 'cancel', {}));
  await vi.advanceTimersByTimeAsync(1_000);
  asks.stop();
  const error = await asked;
  expect(error).toBeInstanceOf(NoAnswer);
  expect((error as MamError).text).toContain('not known whether the job is cancelled');
});
