import { MamError } from '../base/errors.ts';
import { count, flag, or } from '../base/fields.ts';
import { defineCommand } from './core/command.ts';
import { EXIT, exitCodeOfSignal } from './core/exit.ts';
import { note, print, printJson } from './core/output.ts';
import { commandSettings } from './core/settings.ts';
import { withLink } from './jobs/with-hub.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const MAX_PORT = 65_535;

export default defineCommand({
  about: [
    "Shows the registry's jobs in a browser on this machine, live: what each asks, its log, its screen and its task. " +
      'There you can answer, allow, deny, cancel, report a job for a person as done, and delegate.',
    'It prints an address that lets in one browser, once; when it has been used, it prints the next one. Without such an ' +
      'address nobody gets in, not even other users of this machine. It runs until Ctrl-C; the jobs go on.',
    'From another machine: `ssh -L 8080:127.0.0.1:PORT THIS_MACHINE` there, and open the address with port 8080.',
  ],
  options: {
    port: or(count('port on 127.0.0.1; 0: any free one', { min: 0, max: MAX_PORT, value: 'PORT' }), 0),
    open: flag('also open it in your browser'),
  },
  json: 'One object per line for each address: `address`, `port`, `registry_dir`',
  exits: { done: 'Ctrl-C' },
  examples: ['mam web', 'mam web --open', 'mam web --port 8080'],

  async run({ options, registryDir, json }) {
    if (options.port > MAX_PORT)
      throw new MamError('bad_input', `--port must be at most ${MAX_PORT}.`, 'Leave it out for a free one.');
    const settings = await commandSettings(registryDir);
    const ended = new AbortController();
    let signal: (typeof SIGNALS)[number] = 'SIGINT';
    for (const one of SIGNALS)
      process.once(one, () => {
        signal = one;
        ended.abort();
      });
    // Only this command loads the server.
    const { openBrowser } = await import('../boards/web/open-browser.ts');
    const { serve } = await import('../boards/web/main.ts');
    let forget = (): void => {};
    let isFirst = true;
    const open = async (address: string): Promise<void> => {
      const opening = await openBrowser(address, settings.home, settings.path);
      forget = opening.forget;
      const problem = await opening.ended;
      if (problem !== undefined) note(problem);
    };
    const onAddress = (address: string, port: number): void => {
      forget();
      if (json) printJson({ address, port, registry_dir: settings.registryDir });
      else
        print(isFirst ? firstText(address, port, settings.registryDir) : `For another browser: ${address}`);
      if (isFirst && options.open) open(address).catch((error: Error) => note(error.message));
      isFirst = false;
    };
    try {
      await withLink(settings, (link) =>
        serve({ link, settings, port: options.port, onAddress, signal: ended.signal }),
      );
    } finally {
      forget();
    }
    return signal === 'SIGINT' ? EXIT.done : exitCodeOfSignal(signal);
  },
});

function firstText(address: string, port: number, registryDir: string): string {
  return [
    address,
    '',
    `Open it in a browser on this machine: it shows the jobs of ${registryDir}.`,
    `From another machine, first: ssh -L ${port}:127.0.0.1:${port} THIS_MACHINE`,
    'The address works once, and whoever has it can do what you can. Ctrl-C ends the page; the jobs go on.',
  ].join('\n');
}
