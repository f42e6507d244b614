import type { Hosts } from './hosts.ts';

/**
 * Puts an `ssh` on a host's PATH that runs the command on another host of the network, as a shell without a terminal there
 * would, or with -t one with the terminal here: for what does not depend on sshd.
 */
export function fakeSsh(world: Hosts, from: string, to: string, path?: string): void {
  const lab = world.lab(to);
  const env = Object.entries({ ...lab.env, ...(path !== undefined && { PATH: path }) });
  const words = [...world.net.prefix(to), 'env', '-i', ...env.map(([name, value]) => `${name}=${value}`)];
  const quoted = words.map((word) => `'${word}'`).join(' ');
  world
    .lab(from)
    .install(
      'ssh',
      `TERMINAL=; while [ "$1" != -- ]; do [ "$1" != -t ] || TERMINAL="TERM=$TERM"; shift; done\nshift 2\nexec ${quoted} $TERMINAL sh -c "$*"`,
    );
}
