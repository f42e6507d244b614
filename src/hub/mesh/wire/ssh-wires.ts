import { awake } from '../../../base/awake.ts';
import type { Log } from '../../../base/log.ts';
import type { Hosts } from '../../../settings/hosts-config.ts';
import { SshWire } from './ssh-wire.ts';
import type { WireHandlers } from './wire.ts';

/** A connection that nobody needs any more is closed after this time, in ms. */
const IDLE_MS = 600_000;

interface Known {
  wire: SshWire;
  /** What it was made for: with other settings it is made anew. */
  target: string;
  usedAt: number;
}

/** The ssh connections to the hosts that are reached so: each is opened when it is needed. */
export class SshWires {
  readonly #with: { realm: string; host: string; handlers: WireHandlers; log: Log };
  readonly #of = new Map<string, Known>();

  constructor(parts: { realm: string; host: string; handlers: WireHandlers; log: Log }) {
    this.#with = parts;
  }

  /** The hosts of the settings, as they are now. */
  configure(hosts: Hosts): void {
    for (const [name, { wire, target }] of [...this.#of]) {
      if (target === targetOf(hosts, name)) continue;
      this.#of.delete(name);
      if (wire.isWanted) this.#with.handlers.down(wire, 'The settings have changed.');
      void wire.stop();
    }
    for (const [name, { ssh, mam }] of Object.entries(hosts)) {
      if (ssh === undefined || this.#of.has(name)) continue;
      const wire = new SshWire({ ...this.#with, name, ssh, mam });
      this.#of.set(name, { wire, target: targetOf(hosts, name), usedAt: 0 });
    }
  }

  get(name: string): SshWire | undefined {
    return this.#of.get(name)?.wire;
  }

  /** It is needed now. */
  open(name: string): SshWire | undefined {
    const known = this.#of.get(name);
    if (known === undefined) return undefined;
    known.usedAt = awake.now();
    known.wire.start();
    return known.wire;
  }

  /** Closes those that have not been needed for some time. @param isNeeded whether news of this host is awaited */
  closeIdle(isNeeded: (name: string) => boolean): void {
    for (const [name, known] of this.#of) {
      if (!known.wire.isWanted) continue;
      if (isNeeded(name)) known.usedAt = awake.now();
      if (awake.now() - known.usedAt < IDLE_MS) continue;
      void known.wire.stop();
      this.#with.handlers.down(known.wire, 'Nothing was asked for some time.');
    }
  }

  async stop(): Promise<void> {
    await Promise.allSettled([...this.#of.values()].map(({ wire }) => wire.stop()));
  }
}

function targetOf(hosts: Hosts, name: string): string {
  const { ssh, mam } = hosts[name] ?? {};
  return JSON.stringify([ssh ?? '', mam ?? '']);
}
