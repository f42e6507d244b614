import { agents } from './agents.ts';
import { broker } from './broker.ts';
import type { Check } from './check.ts';
import { clientChecks } from './clients.ts';
import { home } from './home.ts';
import { hub } from './hub.ts';
import { program } from './program.ts';
import { registry } from './registry.ts';
import { settings } from './settings.ts';
import { tmux } from './tmux.ts';
import { tmuxSockets } from './tmux-sockets.ts';

/** Every check. A new one is a file of its own and a line here. */
export const checks: readonly Check[] = [
  program,
  tmux,
  tmuxSockets,
  home,
  settings,
  hub,
  broker,
  registry,
  ...clientChecks,
  agents,
];

/** The check of one client alone. @param client a key of `clients` */
export function checksOf(client: string): readonly Check[] {
  return clientChecks.filter(({ name }) => name === `client ${client}`);
}
