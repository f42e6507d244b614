import type { Log } from '../base/log.ts';
import type { HostsParams } from '../operations/hosts.ts';
import type { Command } from '../operations/request.ts';
import { hostsNow, type Settings } from '../settings/config.ts';
import type { LiveJob } from './jobs/live-job.ts';
import { Asks } from './mesh/asks.ts';
import { Feeder } from './mesh/feeder.ts';
import type { HomeParts } from './mesh/home-commands.ts';
import { HostRows } from './mesh/host-rows.ts';
import { Incoming } from './mesh/incoming.ts';
import type { Mesh } from './mesh/mesh.ts';
import { Policy } from './mesh/policy.ts';
import type { Part } from './part.ts';
import type { Handler } from './request-router.ts';

/** What the hub says to other hubs and does for them, built around the mesh. */
export function buildMesh(
  mesh: Mesh,
  parts: Omit<HomeParts, 'home'> & {
    settings: Settings;
    home: HomeParts['home'];
    log: Log;
    /** When the hub started, ISO 8601. */
    epoch: string;
    ready: () => Promise<void> | undefined;
  },
) {
  const { settings, log, epoch } = parts;
  const { directory } = mesh;
  const asks = new Asks({
    reach: (host) => directory.reach(host),
    inTheirClock: (host, ms) => directory.inTheirClock(host, ms),
    send: (host, kind, body) => directory.send(host, kind, body),
  });
  const policy = new Policy({
    hosts: () => hostsNow(settings.home),
    areSendersProven: () => mesh.areSendersProven,
  });
  const incoming = new Incoming({ ...parts, policy });
  const mayRead = (host: string): boolean => policy.mayRead(directory.get(host)?.wire, host);
  const feeder = new Feeder({ send: directory.send.bind(directory), mayRead }, epoch);
  const rows = new HostRows({
    directory,
    status: () => mesh.status(),
    present: () => mesh.present(),
    replicas: (): LiveJob[] => [],
    host: settings.host,
  });

  mesh.receivers = {
    ask: (message) =>
      void incoming.take(message).catch((error) => log.error('an ask was not answered', error)),
    answer: (from, answer) => asks.take(from, answer),
  };
  directory.onOnline = (host, isNewEpoch) => {
    asks.onOnline(host.name, isNewEpoch);
    feeder.onHello(host.name);
  };

  /** For the jobs of this host: those that others have delegated. */
  const part: Part = {
    onRecorded: (job, recorded) => feeder.onRecorded(job, recorded),
    resume: (job) => feeder.resume(job),
    stop: () => {
      incoming.stop();
      asks.stop();
      feeder.stop();
    },
    get hasWork() {
      return incoming.hasWork || asks.isBusy;
    },
  };
  const handlerFor = async (command: Command): Promise<Handler | undefined> =>
    command === 'hosts' ? (given) => rows.rows((given ?? {}) as HostsParams) : undefined;
  return { part, handlerFor };
}
