import type { Standing } from '../../job/standing.ts';
import { toneOf } from '../model/rows.ts';

/** A text's style, in Ink's terms. */
export interface Look {
  color?: string;
  bold?: boolean;
  dimColor?: boolean;
  inverse?: boolean;
}

/** Drops the colour if the user wants none; weight and inversion stay, since they are not colours (no-color.org). */
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
