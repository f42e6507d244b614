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

const LOOKS: Readonly<Record<string, Look>> = {
  input_required: { color: 'yellow', bold: true },
  completed: { color: 'green' },
  failed: { color: 'red' },
  working: { color: 'cyan' },
};

export function lookOf(standing: Standing): Look {
  return LOOKS[toneOf(standing)] ?? { dimColor: true };
}
