import { paint } from './output.ts';

const STYLES = { ok: 'green', note: 'yellow', problem: 'red' } as const;

/** How findings look on a terminal. */
export const LOOKS = {
  level: (level: keyof typeof STYLES, text: string): string => paint(STYLES[level], text),
  detail: (text: string): string => paint('dim', text),
};
