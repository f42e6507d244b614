import { execa } from 'execa';
import { explain } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { loadSettings } from '../../settings/config.ts';
import { hubEnvironment } from '../../settings/environment.ts';
import { MamClient } from '../mam-client.ts';
import { readKeys } from './keyboard.ts';
import { PeerScreen } from './screen.ts';
import { work } from './work.ts';

/**
 * The demo's peer: a small interactive program in a tmux pane that takes orders at its prompt, works for a few
 * seconds, and reports through its own `mam` server, as a coding agent does.
 * @param ready a channel of `tmux wait-for` that is signalled once an order can be taken
 * @returns the exit code, when a person quits it
 */
export async function runPeer(ready: string | undefined): Promise<number> {
  if (!process.stdin.isTTY) {
    process.stderr.write('mam: the demo peer needs a terminal.\n');
    return 64;
  }
  const { stdin } = process;
  const screen = new PeerScreen(`mam ${VERSION} demo peer`);
  screen.state = 'starting its mam server';
  stdin.setRawMode(true);
  screen.open();

  // Early orders wait for the server, and each order for the one before.
  let free: Promise<unknown> = Promise.resolve();
  const connected = connect();
  const quit = new Promise<void>((resolve) => {
    readKeys(stdin, {
      text: (text) => edit(screen.draft + text),
      erase: () => edit([...screen.draft].slice(0, -1).join('')),
      clear: () => edit(''),
      quit: resolve,
      enter: () => {
        const order = screen.draft;
        edit('');
        if (order.trim() === '') return;
        free = free
          .then(async () => {
            const mam = await connected;
            screen.state = 'working';
            await work(order, mam, screen);
            screen.state = 'ready';
          })
          .catch((error: unknown) => screen.say(explain(error), 'bad'));
      },
    });
    stdin.once('end', resolve);
  });

  function edit(draft: string): void {
    screen.draft = draft;
    screen.draw();
  }

  try {
    const mam = await Promise.race([connected, quit]);
    if (mam !== undefined) {
      screen.say('Connected to my own mam server. Waiting for orders from people or agents.', 'dim');
      screen.state = 'ready';
      if (ready !== undefined) await execa('tmux', ['wait-for', '-S', ready]);
      await quit;
      await mam.close();
    }
    return 0;
  } catch (error) {
    screen.say(explain(error), 'bad');
    return 1;
  } finally {
    stdin.setRawMode(false);
    screen.close();
    stdin.destroy();
  }
}

/** The server gets what an agent in a pane passes to its own: its tmux, and the role of a peer. */
async function connect(): Promise<MamClient> {
  const { pane, paneSocket, cwd } = await loadSettings();
  const place = pane === undefined ? {} : { TMUX: `${paneSocket},0,0`, TMUX_PANE: pane };
  return MamClient.connect('mam-demo-peer', { ...hubEnvironment(), ...place, MAM_ROLE: 'peer' }, cwd);
}
