import type { JobRow } from '../job/request.ts';

/** How a text looks, as Ink wants it. */
export interface Look {
  color?: string;
  bold?: boolean;
  dimColor?: boolean;
  inverse?: boolean;
}

/** A look for a user who wants no colours: weight and inversion stay, since they are none (no-color.org). */
export function look(coloured: boolean, { color, ...rest }: Look): Look {
  return coloured && color !== undefined ? { ...rest, color } : rest;
}

type Status = Pick<JobRow, 'status' | 'reason' | 'phase'>;

/** A status in one sign. */
export function signOf({ status }: Status): string {
  switch (status) {
    case 'queued':
      return '○';
    case 'input_required':
      return '◆';
    case 'completed':
      return '✓';
    case 'failed':
      return '✗';
    case 'cancelled':
      return '-';
    default:
      return '●';
  }
}

/** A status in a word: its reason says more where it has one. */
export function wordOf({ status, reason, phase }: Status): string {
  return reason ?? (phase === 'validating' && status === 'working' ? phase : status);
}

export function lookOf({ status }: Status): Look {
  switch (status) {
    case 'input_required':
      return { color: 'yellow', bold: true };
    case 'completed':
      return { color: 'green' };
    case 'failed':
      return { color: 'red' };
    case 'working':
      return { color: 'cyan' };
    default:
      return { dimColor: true };
  }
}
