import { constants } from 'node:os';
import { MamError } from '../base/errors.ts';
import { flag } from '../base/fields.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { isBoardPossible, isColoured } from './core/output.ts';
import { commandSettings } from './core/settings.ts';
import { withLink } from './jobs/with-hub.ts';

/** Shells add the signal's number for a program that a signal ended. */
const ENDED_BY_SIGNAL = 128;

export default defineCommand({
  about: [
    "Shows a live board in the terminal: every job of the registry, and the selected one's timeline and screen. " +
      'Its keys attach to a job, answer it, allow, deny, cancel and filter; ? lists them.',
    'Leaving it changes nothing: the jobs go on.',
  ],
  options: { open: flag('start with the open jobs only') },
  json: 'Not available: the board is for people. Scripts use `mam list --json` and `mam wait --json`',
  exits: { done: 'you left the board' },
  examples: ['mam watch', 'mam watch --open'],

  async run({ options, registryDir, json }) {
    if (json || !isBoardPossible())
      throw new MamError(
        json ? 'bad_input' : 'unavailable',
        'The board needs a terminal for its keys and its screen.',
        'Use `mam list` to see the jobs and `mam wait` to wait for them; both take --json.',
      );
    const settings = await commandSettings(registryDir);
    const signal = await withLink(settings, async (link) => {
      // Only this command loads what draws a board.
      const { watch } = await import('../boards/terminal/main.ts');
      return watch({
        link,
        host: settings.host,
        registryDir: settings.registryDir,
        standpoint: { ...settings, inside: settings.paneSocket },
        coloured: isColoured(),
        which: options.open ? 'open' : 'all',
      });
    });
    return signal === undefined ? EXIT.done : ENDED_BY_SIGNAL + constants.signals[signal];
  },
});
