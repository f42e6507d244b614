import { MamError } from '../base/errors.ts';

/** A name as `tmux -L` takes it: with a slash in it, it could lead to any socket. */
export function socketName(name: string | undefined): string | undefined {
  if (name === undefined || (/^[^/\0]{1,80}$/.test(name) && name !== '.' && name !== '..')) return name;
  throw new MamError(
    'bad_input',
    'TMUX_SERVER_NAME is not the name of a tmux socket.',
    'Give it as for `tmux -L`: a word without a slash.',
  );
}

export function topicWord(value: string, name: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,63}$/.test(value)) return value;
  throw new MamError(
    'bad_input',
    `${name} may have only a-z, 0-9 and -, 64 characters at most.`,
    'Use a word such as team-a.',
  );
}

export function role(value: string | undefined): 'supervisor' | 'peer' {
  if (value === undefined || value === '' || value === 'supervisor') return 'supervisor';
  if (value === 'peer') return 'peer';
  throw new MamError('bad_input', 'MAM_ROLE is neither supervisor nor peer.', 'Set it to peer, or unset it.');
}

export function oneOrZero(value: string | undefined, name: string): boolean {
  if (value === undefined || value === '' || value === '0') return false;
  if (value === '1') return true;
  throw new MamError('bad_input', `${name} is neither 1 nor 0.`, 'Set it to 1, or unset it.');
}

export function seconds(value: string | undefined, name: string): number | undefined {
  if (value === undefined || value === '') return undefined;
  const number = Number(value);
  if (Number.isFinite(number) && number >= 0) return number;
  throw new MamError('bad_input', `${name} is not a number of seconds.`, `Set ${name}=300, for example.`);
}

export function count(value: string | undefined, name: string): number | undefined {
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new MamError('bad_input', `${name} is not a whole number from 0 on.`, `Set ${name}=10, for example.`);
}
