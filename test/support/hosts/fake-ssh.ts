import { type Hosts, type HostsOptions, hosts } from './hosts.ts';

/** Two hosts, of which `hosta` reaches `hostb` over ssh; nothing is set there. @param more of its place in `hosts` */
export async function overSsh(more: object = {}, options: HostsOptions = {}): Promise<Hosts> {
  const world = await hosts(['hosta', 'hostb'], options);
  fakeSsh(world, 'hosta', 'hostb');
  world.lab('hosta').configure({ hosts: { hostb: { ssh: 'me@hostb.lan', ...more } } });
  return world;
}

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
