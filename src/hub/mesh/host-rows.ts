import { unknownHost } from '../../operations/host-address.ts';
import type { HostRow, HostsParams, HostsResult, MeshStatus } from '../../operations/hosts.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Access } from './access.ts';
import { allowedTo } from './allowed.ts';
import type { Directory } from './directory.ts';
import type { HostState } from './host.ts';
import type { Present } from './present.ts';
import type { HostStatus } from './wire/messages.ts';

/** How long a host may take to answer a hello that a person waits for, in ms. */
const CHECK_MS = 5_000;

/** What the hub tells of other hosts. */
export class HostRows {
  readonly #with;

  constructor(parts: {
    directory: Pick<Directory, 'all' | 'get' | 'named'>;
    access: Pick<Access, 'check' | 'problemOf'>;
    /** @returns undefined while no other host is configured */
    status: () => MeshStatus | undefined;
    /** Every hub that the broker knows. */
    present: () => Promise<Present[]>;
    /** The jobs of every host that are not over. */
    unfinished: () => LiveJob[];
    host: string;
  }) {
    this.#with = parts;
  }

  /** @throws MamError `not_found` to check a host that is not known */
  async rows({ all = false, check }: HostsParams): Promise<HostsResult> {
    const { directory, host, status } = this.#with;
    if (check !== undefined) await this.#check(check);
    const known = directory.all().filter(({ name }) => check === undefined || name === check);
    const rows = known.map((one) => this.#row(one));
    const others = all && check === undefined ? await this.#with.present() : [];
    for (const { name, status: said } of others)
      if (name !== host && directory.get(name) === undefined) rows.push(strangerRow(name, said));
    return { ...(status() ?? { host, hosts: 0, online: 0 }), rows };
  }

  async #check(name: string): Promise<void> {
    const { access, directory } = this.#with;
    if (directory.get(name) !== undefined) return void (await access.check(name, CHECK_MS));
    throw unknownHost(
      name,
      directory.all().map((one) => one.name),
    );
  }

  #row(one: HostState): HostRow {
    const { access, directory, unfinished } = this.#with;
    const { name, since, version, protocol, allows, offsetMs, roundTripMs, wire, online } = one;
    const isNamed = Object.hasOwn(directory.named, name);
    const config = isNamed ? directory.named[name] : undefined;
    const broker = this.#with.status()?.broker && 'broker';
    const configured = isNamed ? (config?.ssh === undefined ? broker : 'ssh') : undefined;
    // The settings may name another way than the one over which it was heard last.
    const via = (online ? wire?.kind : undefined) ?? configured ?? wire?.kind;
    const isOverSocket = wire?.kind === 'socket';
    const why = access.problemOf(name);
    const jobs = unfinished().filter(({ record }) => record.home?.host === name).length;
    return {
      ...{ host: name, state: stateOf(one), since, version, protocol, jobs },
      ...(via !== undefined && { via }),
      ...(config?.ssh !== undefined && { ssh: config.ssh }),
      ...(config?.mam !== undefined && { mam: config.mam }),
      named: isNamed,
      ...(allows !== undefined && { may_we: allows }),
      ...((isOverSocket || config?.may !== undefined) && { may_it: allowedTo(config?.may, isOverSocket) }),
      ...(offsetMs !== undefined && { clock_ms: Math.round(offsetMs) }),
      ...(roundTripMs !== undefined && { round_trip_ms: Math.round(roundTripMs) }),
      ...(why !== undefined && { problem: why }),
    };
  }
}

function stateOf({ online, epoch }: HostState): HostRow['state'] {
  if (online) return 'online';
  return epoch === undefined ? 'unknown' : 'offline';
}

function strangerRow(host: string, { online, epoch, version, protocol }: HostStatus): HostRow {
  return {
    ...{ host, state: online ? 'online' : 'offline', since: epoch, version, protocol },
    ...{ jobs: 0, via: 'broker', named: false },
  };
}
