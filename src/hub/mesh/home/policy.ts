import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { orElse } from '../../../base/or-else.ts';
import { realPlace } from '../../../base/real-place.ts';
import { cleanLine } from '../../../base/text.ts';
import type { JobRecord } from '../../../job/record.ts';
import type { Hosts, MayConfig } from '../../../settings/hosts-config.ts';
import { plainError } from '../../delegation/plain-error.ts';
import type { MeshMessage } from '../wire/wire.ts';

/** Who asks, and what it may ask for. */
export interface Guest {
  /** The name by which its messages come: the delegator of its jobs. */
  host: string;
  /** Absent: it has come over ssh, so it has a shell here and may do everything. */
  may?: MayConfig | undefined;
}

/** The folder that a guest's session works in, and what it is called in errors. */
const WORKDIRS = '"may.workdirs"';

/** For how long the settings count for what hosts are told without asking, in ms: events come by the thousand. */
const KNOWN_MS = 1_000;

/** A kind's name in an error is cut to this many characters. */
const KIND_CHARS = 60;

/** What other hosts may ask for: the user's settings, read anew for each ask. */
export class Policy {
  readonly #with;
  #known: { hosts: Hosts; until: number } | undefined;

  constructor(parts: {
    /** The `hosts` as the user's file has them now. @throws for a file that can't be used */
    hosts: () => Hosts;
    /** Whether the broker lets nobody send under another name; undefined while that is being found out. */
    areSendersProven: () => boolean | undefined;
    /** Settles when that has been found out, or could not be. */
    sendersKnown: () => Promise<void>;
  }) {
    this.#with = parts;
  }

  /**
   * Who has sent an ask.
   * @returns undefined while it is not known whether the sender is proven
   * @throws MamError `refused` for one that may ask nothing
   */
  guestOf({ wire, from, to }: Pick<MeshMessage, 'wire' | 'from' | 'to'>): Guest | undefined {
    if (wire.kind === 'socket') return { host: from };
    // At the other end of an ssh connection is one host: it can't speak for others.
    if (wire.kind === 'ssh' && from !== wire.host) throw allowsNothing(from);
    if (wire.kind === 'broker') {
      const areProven = this.#with.areSendersProven();
      if (areProven === undefined) return undefined;
      if (!areProven)
        throw plainError(
          'refused',
          'the broker does not check who sends.',
          `Give it the rules of \`mam hosts acl\`, and restart the hub of ${to}; or set trust_realm there if everybody at the broker may use its agents.`,
        );
    }
    const may = mayOf(this.#hostsNow(), from);
    if (may === undefined) throw allowsNothing(from);
    return { host: from, may };
  }

  /** Settles when it may be known whether senders are proven, for whom `guestOf` could not say. */
  known(): Promise<void> {
    return this.#with.sendersKnown();
  }

  /** True if a host may know how its jobs go on. @param wire on which it is; absent while it is away */
  mayRead(wire: { kind: string } | undefined, host: string): boolean {
    if (wire === undefined) return false;
    if (wire.kind === 'socket') return true;
    const now = performance.now();
    if (this.#known === undefined || now > this.#known.until)
      this.#known = { hosts: this.#hosts(), until: now + KNOWN_MS };
    return mayOf(this.#known.hosts, host)?.delegate === true;
  }

  /**
   * True if a report of this host about a job counts. A host that may ask something here hears of the ids of other jobs,
   * such as the one that its own waits for; to anybody else, an id is told by whoever gave out the job.
   */
  mayReport(wire: { kind: string }, host: string, { supervisor }: Pick<JobRecord, 'supervisor'>): boolean {
    if (wire.kind === 'socket') return true;
    return mayOf(this.#hosts(), host) === undefined || supervisor.host === host;
  }

  /** @throws MamError `refused` while the file can't be used: nobody may do anything then */
  #hostsNow(): Hosts {
    try {
      return this.#with.hosts();
    } catch {
      throw plainError(
        'refused',
        "the settings there can't be used, so no host may ask for anything.",
        'Its user must fix MAM_HOME/config.json there: `mam doctor` says what is wrong with it.',
      );
    }
  }

  /** None while the file can't be used. */
  #hosts(): Hosts {
    return orElse(() => this.#with.hosts(), {});
  }
}

function mayOf(hosts: Hosts, host: string): MayConfig | undefined {
  return Object.hasOwn(hosts, host) ? hosts[host]?.may : undefined;
}

function allowsNothing(host: string) {
  return refusedBy(
    `${cleanLine(host, 80)} may not ask for anything here.`,
    `"hosts.${cleanLine(host, 80)}.may"`,
  );
}

/** The refusal of what the user's settings do not allow. @param key of the setting that would */
function refusedBy(what: string, key: string) {
  return plainError('refused', what, `Its user can allow it with ${key} in MAM_HOME/config.json there.`);
}

/** @throws MamError `refused` if the guest may not delegate, nor read its jobs */
export function checkDelegates({ may }: Guest): void {
  if (may !== undefined && !may.delegate)
    throw refusedBy('Your host may not delegate jobs here.', '"may.delegate"');
}

/** @throws MamError `refused` if the guest may not start or stop agents */
export function checkStarts({ may }: Guest): void {
  if (may !== undefined && !may.start)
    throw refusedBy('Your host may not start or stop agents here.', '"may.start"');
}

/** @throws MamError `refused` if the guest may not decide on permission requests */
export function checkDecides({ may }: Guest): void {
  if (may !== undefined && !may.decide)
    throw refusedBy('Your host may not decide permission requests here.', '"may.decide"');
}

/** @throws MamError `refused` if the guest may not merge or discard the work of its jobs: whoever decides could let an agent do it */
export function checkChanges({ may }: Guest): void {
  if (may !== undefined && !may.decide)
    throw refusedBy('Your host may not merge or discard work here.', '"may.decide"');
}

/** @throws MamError `refused` if the guest may not see the jobs of others */
export function checkSeesAll({ may }: Guest): void {
  if (may !== undefined && may.see !== 'all')
    throw refusedBy('Your host may see only its own jobs here.', '"may.see": "all"');
}

/** @throws MamError `refused` for a kind of agents that the guest may not use */
export function checkKind({ may }: Guest, kind: string): void {
  if (may?.agents !== undefined && !may.agents.includes(kind))
    throw refusedBy(
      `Your host may not use agents of kind ${cleanLine(kind, KIND_CHARS)} here.`,
      '"may.agents"',
    );
}

/** True for a session that the guest may use. @param own the default session of the kind of agents */
export function maySession({ may }: Guest, address: string, own: string | undefined): boolean {
  if (may === undefined) return true;
  const allowed = may.sessions ?? (own === undefined ? [] : [own]);
  return allowed.some((one) => plain(one) === plain(address));
}

/** @throws MamError `refused` for a session that the guest may not use. @param own as in `maySession` */
export function checkSession(guest: Guest, address: string | undefined, own: string | undefined): void {
  if (address !== undefined && !maySession(guest, address, own))
    throw refusedBy('Your host may not use this session.', '"may.sessions"');
}

/** An address as `findPane` understands it. */
function plain(address: string): string {
  return address.trim().replace(/^tmux:/, '');
}

/**
 * The folder in which a guest's job works, with links resolved: nobody can lead it elsewhere afterwards.
 * @param asked absolute; absent: the default
 * @param otherwise the default of a guest that may do everything
 * @throws MamError `refused` for a folder that it may not use
 */
export function workdirFor({ may }: Guest, asked: string | undefined, otherwise: () => string): string {
  if (may === undefined) return asked ?? otherwise();
  const [first] = may.workdirs;
  const folder = asked ?? first;
  if (folder === undefined) throw refusedBy('No working folder is set here for jobs of your host.', WORKDIRS);
  return inside(folder, may.workdirs, 'Your host may not use this working folder.', WORKDIRS);
}

/**
 * The script that checks a guest's job, with links resolved.
 * @param script absolute
 * @throws MamError `refused` for one that it may not use
 */
export function scriptFor({ may }: Guest, script: string): string {
  if (may === undefined || may.validate === true) return script;
  const what = 'Your host may not have its jobs checked by this script.';
  return inside(script, may.validate === false ? [] : may.validate, what, '"may.validate"');
}

/** @returns the real path. @throws MamError `refused` for a path in none of the folders, wherever links lead */
function inside(path: string, folders: readonly string[], what: string, key: string): string {
  // What does not exist is told from what is not allowed only where it is allowed.
  const real = realPlace(path);
  const isIn = folders.some((folder) => {
    const base = orElse(() => realpathSync.native(folder), undefined);
    if (base === undefined) return false;
    return real === base || real.startsWith(base.endsWith(sep) ? base : base + sep);
  });
  if (!isIn) throw refusedBy(what, key);
  return real;
}
