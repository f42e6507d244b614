import { MamError } from '../base/errors.ts';
import { readHubFile } from '../bus/hub-file.ts';
import { openLink } from '../link/client.ts';
import { checkHub } from '../link/ensure-hub.ts';
import type { Link } from '../link/link.ts';
import { agentPlace } from '../operations/agents.ts';
import { type DelegateParams, delegate } from '../operations/delegate.ts';
import { homePaths } from '../registry/home.ts';
import type { Settings } from '../settings/config.ts';
import { IS_HIDDEN_FORMAT } from '../tmux/marks.ts';
import { checkTmuxSocket } from '../trust/socket.ts';
import { type Check, type Place, withSettings } from './check.ts';
import { type Found, ok, problem } from './finding.ts';
import { askHub } from './hub.ts';

const REPLY_TIMEOUT_MS = 4_000;
const TMUX_TIMEOUT_MS = 1_500;
// The hub's own hidden panes are not for jobs.
const LIST = ['list-panes', '-a', '-F', `#{?${IS_HIDDEN_FORMAT},,#{pane_id}}`];

/**
 * A client's request to the hub, made as a client here would make it: it finds what is wrong between this shell and a
 * job even where each part is fine by itself. It starts no hub.
 */
export const request: Check = {
  name: 'request',
  area: 'hub',
  limitMs: 3 * REPLY_TIMEOUT_MS + 2_000,

  look: withSettings(async (settings, place, signal) => {
    // The check of the hub reports one that is not running or does not answer.
    const file = readHubFile(homePaths(settings.home).hubFile);
    if ((await askHub(settings, file)) instanceof MamError) return [];
    const link = openLink(settings, async () => {
      throw new MamError('unreachable', 'The hub ended meanwhile.', 'Run `mam doctor` again.');
    });
    signal.addEventListener('abort', () => void link.close(), { once: true });
    const start = performance.now();
    try {
      checkHub(settings);
      await link.request('preview', jobForPerson(settings, undefined), REPLY_TIMEOUT_MS);
      const found = await tmuxThrough(link, settings, place);
      const ms = Math.max(1, Math.round(performance.now() - start));
      const answers = ok('hub.request', `It answers a request from this shell in ${ms} ms`);
      return found.length > 0 ? found : [answers];
    } catch (error) {
      if (!(error instanceof MamError)) throw error;
      // The check of the hub reports it already.
      if (error.code === 'conflict' && error.message.startsWith('The running hub')) return [];
      const title = `The hub refuses a request from this shell: ${error.message}`;
      return [problem('hub.request', title, error.hint || '`mam hub logs` shows more.')];
    } finally {
      await link.close();
    }
  }),
};

/** The hub may have started where tmux, its socket or its rights differ from those in this shell. */
async function tmuxThrough(link: Link, settings: Settings, place: Place): Promise<Found[]> {
  const { tmuxSocket } = settings;
  const pane = await paneHere(place, tmuxSocket);
  try {
    if (pane === undefined) await link.request('agents', agentPlace(settings), REPLY_TIMEOUT_MS);
    else await link.request('preview', jobForPerson(settings, `tmux:${pane}`), REPLY_TIMEOUT_MS);
    return [];
  } catch (error) {
    if (!(error instanceof MamError)) throw error;
    const here = pane === undefined ? '' : ' This shell reaches it.';
    const title = `The hub cannot reach the tmux server at ${tmuxSocket}: ${error.message}${here}`;
    const remedy = `${error.hint} If that is already the case here: \`mam hub restart\` from this shell, so that the hub gets its environment; open jobs go on.`;
    return [problem('hub.tmux', title, remedy.trim())];
  }
}

/** A pane that this shell sees, if it sees any. */
async function paneHere({ programs }: Place, socket: string): Promise<string | undefined> {
  if (programs.find('tmux') === undefined) return undefined;
  try {
    checkTmuxSocket(socket);
  } catch {
    return undefined;
  }
  const { code, stdout } = await programs.run('tmux', ['-S', socket, ...LIST], TMUX_TIMEOUT_MS);
  return code === 0 ? stdout.split('\n').find((line) => line.startsWith('%')) : undefined;
}

/** A delegation to a person: its preview checks the registry, the limits and the session, and makes nothing. */
function jobForPerson(settings: Settings, session: string | undefined): DelegateParams {
  return {
    prompt: 'A preview for mam doctor.',
    agent: 'human',
    agent_session: session,
    workdir: settings.home,
    timeout_seconds: delegate.fields.timeout_seconds.fallback,
    idle_timeout_seconds: delegate.fields.idle_timeout_seconds.fallback,
    on_busy: 'queue',
    tmux_socket: settings.tmuxSocket,
    registry_dir: settings.registryDir,
    supervisor: { client: 'doctor', session: 'doctor' },
    mam_command: 'mam',
  };
}
