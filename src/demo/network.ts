import { execa } from 'execa';

/** `ip` answers within this time, in ms. */
const TIMEOUT_MS = 5_000;

/** A network namespace with one cable to this machine. */
export interface Network {
  name: string;
  /** This machine's address on the cable. */
  address: string;
  /** What runs a program in it. */
  within: string[];
}

/** Makes a network namespace, as a machine of its own. @returns undefined where that is not permitted or not possible */
export async function makeNetwork(): Promise<Network | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const name = `mam-demo-${process.pid}`;
  // A network interface's name has at most 15 characters.
  const cable = `mam${process.pid}`;
  // Two addresses in a part of the private range that few use; another demo at the same time has others.
  const net = `10.${200 + (process.pid % 50)}.${Math.trunc(process.pid / 50) % 256}`;
  try {
    await ip('netns', 'add', name);
    await ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    await ip('addr', 'add', `${net}.1/30`, 'dev', cable);
    await ip('link', 'set', cable, 'up');
    await ip('-n', name, 'addr', 'add', `${net}.2/30`, 'dev', 'eth0');
    await ip('-n', name, 'link', 'set', 'eth0', 'up');
    await ip('-n', name, 'link', 'set', 'lo', 'up');
    return { name, address: `${net}.1`, within: ['ip', 'netns', 'exec', name] };
  } catch {
    await removeNetwork(name);
    return undefined;
  }
}

/** Removes it, and the cable with it. */
export async function removeNetwork(name: string): Promise<void> {
  await ip('netns', 'del', name).catch(() => {});
}

async function ip(...words: string[]): Promise<void> {
  await execa('ip', words, { timeout: TIMEOUT_MS, stdio: 'ignore' });
}
