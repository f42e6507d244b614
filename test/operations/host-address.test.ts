import { expect, test } from 'vitest';
import { addressOf } from '../../src/operations/host-address.ts';

const KNOWN = { host: 'hosta', hosts: { hostb: {}, hostc: {} } };

test.each([
  ['tmux:codex@hostb', { host: 'hostb', session: 'tmux:codex' }],
  ['tmux:codex:1.0@hostb', { host: 'hostb', session: 'tmux:codex:1.0' }],
  ['tmux:%3@hostb', { host: 'hostb', session: 'tmux:%3' }],
  ['tmux:me@work@hostc', { host: 'hostc', session: 'tmux:me@work' }],
  ['tmux:me@hostb@work', { session: 'tmux:me@hostb@work' }],
  ['tmux:codex@laptop', { session: 'tmux:codex@laptop' }],
  ['tmux:codex@hosta', { session: 'tmux:codex@hosta' }],
  ['tmux:codex@constructor', { session: 'tmux:codex@constructor' }],
  ['tmux:codex', { session: 'tmux:codex' }],
  [undefined, { session: undefined }],
])('%s', (session, address) => {
  expect(addressOf({ session }, KNOWN)).toEqual(address);
});

test('a host of its own names the host, and the own name is here', () => {
  expect(addressOf({ host: 'hostb', session: 'tmux:x' }, KNOWN)).toEqual({
    host: 'hostb',
    session: 'tmux:x',
  });
  expect(addressOf({ host: 'hostb', session: 'tmux:x@hostb' }, KNOWN)).toEqual({
    host: 'hostb',
    session: 'tmux:x',
  });
  expect(addressOf({ host: 'hosta', session: 'tmux:x' }, KNOWN)).toEqual({ session: 'tmux:x' });
});

test('a host that is not known is refused with those that are', () => {
  expect(() => addressOf({ host: 'hostd' }, KNOWN)).toThrow(/There is no host "hostd"/);
  try {
    addressOf({ host: 'hostd' }, KNOWN);
  } catch (error) {
    expect(error).toMatchObject({ code: 'not_found', hint: expect.stringContaining('hostb, hostc') });
  }
});

test('two different hosts are refused', () => {
  expect(() => addressOf({ host: 'hostc', session: 'tmux:x@hostb' }, KNOWN)).toThrow(/hostc.*hostb/);
});
