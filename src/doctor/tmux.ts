import type { Check } from './check.ts';
import { note, ok, problem } from './finding.ts';
import { isAtLeast, numberIn } from './programs.ts';

/** The hub's control client needs `-N`, subscriptions and client flags. */
const LEAST = '3.2';
/** The oldest one that this program was tested with. */
const TESTED = '3.3a';
const INSTALL = 'apt-get install tmux (Debian, Ubuntu) or brew install tmux (macOS)';

/** The program tmux. */
export const tmux: Check = {
  name: 'tmux',
  area: 'tmux',
  limitMs: 6_000,

  async look({ programs }) {
    const path = programs.find('tmux');
    const id = 'tmux.version';
    if (path === undefined)
      return [problem(id, 'tmux is not installed, or not on the PATH.', `Install it: ${INSTALL}.`)];
    const said = await programs.version('tmux');
    if (said === undefined) {
      const remedy = `Run \`${path} -V\` and see what it says; install it again: ${INSTALL}.`;
      return [problem(id, `${path} does not report its version.`, remedy)];
    }
    const version = numberIn(said);
    // A build from its repository, such as `tmux next-3.6` or `tmux master`.
    if (version === undefined) return [ok(id, `${said} at ${path}`)];
    if (!isAtLeast(version, LEAST)) {
      const title = `${said} is too old: ${LEAST} or newer is required.`;
      return [problem(id, title, `Install a newer one: ${INSTALL}.`)];
    }
    if (!isAtLeast(version, TESTED)) {
      const title = `${said} is older than the oldest that mam was tested with (${TESTED}).`;
      return [note(id, title, `If panes are not found or not typed into, update it: ${INSTALL}.`)];
    }
    return [ok(id, `${said} at ${path}`)];
  },
};
