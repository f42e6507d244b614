import type { Log } from '../base/log.ts';
import type { Command } from '../operations/request.ts';
import { hostsNow, type Settings } from '../settings/config.ts';
import type { Changes } from './jobs/changes.ts';
import { Asks } from './mesh/delegator/asks.ts';
import { Forward } from './mesh/delegator/forward.ts';
import { HomeReports } from './mesh/delegator/home-reports.ts';
import { RemoteDelegation } from './mesh/delegator/remote-delegation.ts';
import { Replicas } from './mesh/delegator/replicas.ts';
import { Feeder } from './mesh/home/feeder.ts';
import type { HomeParts } from './mesh/home/home-commands.ts';
import { Incoming } from './mesh/home/incoming.ts';
import { Policy } from './mesh/home/policy.ts';
import { Uploads } from './mesh/home/uploads.ts';
import { HostRows } from './mesh/host-rows.ts';
import type { Mesh } from './mesh/mesh.ts';
import type { Receivers } from './mesh/reception.ts';
import type { Wakes } from './notify/wakes.ts';
import type { PaneOwners } from './panes/pane-owners.ts';
import type { Part } from './part.ts';
import { HomeClaims } from './reports/home-claims.ts';

/** What the mesh needs of the rest of the hub. */
export interface MeshParts extends Omit<HomeParts, 'uploads'> {
  settings: Settings;
  log: Log;
  /** When the hub started, ISO 8601. */
  epoch: string;
  /** Settles when the jobs of the last hub are taken up; undefined once they are. */
  ready: () => Promise<void> | undefined;
  owners: PaneOwners;
  changes: Changes;
  wakes: Wakes;
}

/** What the hub asks of other hubs, and what it does for them. */
export function buildMesh(mesh: Mesh, parts: MeshParts) {
  const { access, directory } = mesh;
  const asks = new Asks({
    reach: (host) => access.reach(host),
    inTheirClock: (host, ms) => directory.inTheirClock(host, ms),
    send: (host, kind, body, jobId) => directory.send(host, kind, body, jobId),
    epochOf: (host) => directory.epochOf(host),
  });
  const guests = forGuests(mesh, parts);
  const { replicas, forward } = forDelegating(mesh, asks, parts);
  const reports = new HomeReports({
    asks,
    isAsking: (jobId) => parts.registrar.held(jobId)?.replica?.state === 'asking',
  });

  mesh.reception.receivers = {
    ask: guests.takeAsk,
    answer: (from, answer) => asks.take(from, answer),
    feed: (from, jobId, feed) => replicas.takeFeed(from, jobId, feed),
    digest: (from, digest) => replicas.takeDigest(from, digest),
  };
  directory.isAwaited = (name) => replicas.isAwaited(name);
  directory.onOnline = (host) => {
    asks.onOnline(host.name);
    guests.onHello(host.name);
    replicas.onOnline(host);
  };
  directory.onGuest = (host) => guests.onHello(host);
  directory.onOffline = (host) => replicas.onOffline(host);

  /** For copies of other hosts' jobs. */
  const ofReplicas: Part = {
    resumeAll: (jobs) => replicas.resumeAll(jobs),
    stop: () => {
      asks.stop();
      replicas.stop();
    },
    get hasWork() {
      return asks.isBusy || replicas.hasWork;
    },
  };
  return {
    policy: guests.policy,
    guests: guests.part,
    replicas: ofReplicas,
    handlerFor: (command: Command, params: unknown) => forward.handlerFor(command, params),
    homes: new HomeClaims((host, claim, ms) => reports.report(host, claim, ms)),
    uploads: guests.uploads,
  };
}

/** What other hosts ask of this one, and what they are told of their jobs here. */
function forGuests(mesh: Mesh, parts: MeshParts) {
  const { settings, log, epoch } = parts;
  const { directory } = mesh;
  const policy = new Policy({
    hosts: () => hostsNow(settings.home),
    areSendersProven: () => mesh.areSendersProven,
    sendersKnown: () => mesh.sendersKnown(),
  });
  const uploads = new Uploads();
  const incoming = new Incoming({ ...parts, policy, uploads });
  const ways = {
    send: directory.sendToGuest.bind(directory),
    mayRead: (host: string) => policy.mayRead(directory.guestWire(host), host),
  };
  const feeder = new Feeder(ways, epoch);
  const part: Part = {
    onRecorded: (job, recorded) => feeder.onRecorded(job, recorded),
    resume: (job) => feeder.resume(job),
    stop: () => {
      incoming.stop();
      uploads.stop();
      feeder.stop();
    },
    get hasWork() {
      return incoming.hasWork;
    },
  };
  const takeAsk: Receivers['ask'] = (message) =>
    void incoming.take(message).catch((error) => log.error('an ask was not answered', error));
  return { policy, part, takeAsk, uploads, onHello: (host: string) => feeder.onHello(host) };
}

/** The jobs that this hub has given to other hosts. */
function forDelegating(mesh: Mesh, asks: Asks, parts: MeshParts) {
  const { registrar, settings, log, home, changes, wakes } = parts;
  const { access, directory } = mesh;
  const { host } = settings;
  const replicas = new Replicas({
    ...{ registrar, directory, log },
    ask: (name, command, params) => asks.ask(name, command, params),
  });
  const delegation = new RemoteDelegation({
    ...{ ...parts, asks, host, home: home.folder, replicas },
    open: () => registrar.unfinished,
    reach: (name) => access.reach(name),
    inTheirClock: (name, ms) => directory.inTheirClock(name, ms),
  });
  const rows = new HostRows({
    ...{ access, directory, host },
    status: () => mesh.status(),
    present: () => mesh.present(),
    unfinished: () => registrar.unfinished,
  });
  const forward = new Forward({
    ...{ asks, registrar, changes, wakes, delegation },
    hosts: (params) => rows.rows(params),
    forget: (job) => replicas.forget(job),
    sees: (name) => directory.get(name)?.allows?.see ?? 'own',
  });
  return { replicas, forward };
}
