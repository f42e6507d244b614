import { existsSync, readFileSync } from 'node:fs';

/** The host on which the broker runs, besides the hosts of a test. */
export const BROKER_HOST = 'broker';
/** Where the test's own process is: it can reach every host, whatever is cut. */
export const OUTSIDE = 'outside';

/** An address and a port, as the program that is to reach it sees them. */
export interface Reach {
  address: string;
  port: number;
}

/** What lies between hosts: namespaces and a bridge, or relays on loopback. */
export interface Network {
  readonly kind: 'namespaces' | 'loopback';
  /** The address on which a program of this host listens. */
  address(host: string): string;
  /** Words before a command that run it on this host. */
  prefix(host: string): string[];
  /** Where a program on `from` reaches a port of `to`. @param from a host, or OUTSIDE */
  reach(from: string, to: string, port: number): Promise<Reach>;
  /** True while a program of this host listens on a port. */
  listens(host: string, port: number): boolean;
  /** Takes a host off the network: what it sends and what it is sent is lost, and nobody is told. */
  cut(host: string): Promise<void>;
  /** Brings it back. */
  mend(host: string): Promise<void>;
  /** Ends the ways from outside, and all relays. */
  close(): Promise<void>;
  /** Takes everything down. @returns what is left */
  end(): Promise<string[]>;
}

/** True while somebody listens on a port, in the network of a process. */
export function listensBeside(pid: number | 'self', port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  // 0A is the state of a socket that listens.
  const listening = new RegExp(`^ *\\d+: [0-9A-F]+:${hex} [0-9A-F]+:0000 0A `, 'm');
  return ['tcp', 'tcp6'].some((name) => {
    const path = `/proc/${pid}/net/${name}`;
    return existsSync(path) && listening.test(readFileSync(path, 'utf8'));
  });
}
