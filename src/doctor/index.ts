import { agents } from './agents.ts';
import { broker } from './broker.ts';
import type { Check } from './check.ts';
import { clientChecks } from './clients.ts';
import { clock } from './clock.ts';
import { git } from './git.ts';
import { home } from './home.ts';
import { hooks } from './hooks.ts';
import { hub } from './hub.ts';
import { keptJobs } from './kept-jobs.ts';
import { leftovers } from './leftovers.ts';
import { mesh } from './mesh.ts';
import { onEvent } from './on-event.ts';
import { paneTexts } from './pane-texts.ts';
import { profiles } from './profiles.ts';
import { program } from './program.ts';
import { registry } from './registry.ts';
import { request } from './request.ts';
import { settings } from './settings.ts';
import { tmux } from './tmux.ts';
import { tmuxSockets } from './tmux-sockets.ts';
import { tmuxSwept } from './tmux-swept.ts';
import { user } from './user.ts';

/** Every check. A new one is a new file and a line here. */
export const checks: readonly Check[] = [
  program,
  tmux,
  tmuxSockets,
  tmuxSwept,
  paneTexts,
  git,
  home,
  clock,
  leftovers,
  settings,
  user,
  hub,
  onEvent,
  request,
  broker,
  mesh,
  registry,
  keptJobs,
  ...clientChecks,
  agents,
  profiles,
  hooks,
];

/** The check of one client alone. @param client a key of `clients` */
export function checksOf(client: string): readonly Check[] {
  return clientChecks.filter(({ name }) => name === `client ${client}`);
}
