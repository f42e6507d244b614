import type { Standing } from '../../job/standing.ts';
import { toneOf } from '../model/rows.ts';

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

export function lookOf(standing: Standing): Look {
  switch (toneOf(standing)) {
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
