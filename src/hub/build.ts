import { existsSync } from 'node:fs';
import { machineId } from '../base/machine.ts';
import type { HubBus } from '../bus/hub-bus.ts';
import { PerRepository } from '../git/per-repository.ts';
import type { JobRecord } from '../job/record.ts';
import { homePaths } from '../registry/home.ts';
import { Seal } from '../registry/seal.ts';
import { publicBroker } from '../settings/broker-settings.ts';
import { BrokerJoin } from './broker-join.ts';
import { Brokers } from './brokers.ts';
import { buildMesh } from './build-mesh.ts';
import { WorkChanges } from './changes/work-changes.ts';
import { Conversations } from './conversations/conversations.ts';
import { Delegations } from './delegation/delegate.ts';
import { handOverPrepared } from './delegation/to-prepared.ts';
import { Dispatcher } from './delivery/dispatcher.ts';
import { Notes } from './delivery/notes.ts';
import { PaneTexts } from './delivery/pane-texts.ts';
import { Typist } from './delivery/typist.ts';
import { HubClaim } from './hub-claim.ts';
import { Changes } from './jobs/changes.ts';
import { Registrar } from './jobs/registrar.ts';
import { type HubOptions, Life } from './life.ts';
import { settingsAt } from './mesh/home/remote-order.ts';
import { takeClaims } from './mesh/home/take-claims.ts';
import { Mesh } from './mesh/mesh.ts';
import { OnEvent } from './notify/on-event.ts';
import { Outlets } from './notify/outlets.ts';
import { RetainedRecords } from './notify/retained-records.ts';
import { Wakes } from './notify/wakes.ts';
import { OwnHome } from './own-home.ts';
import { agentPane } from './panes/agent-pane.ts';
import { ControlClients } from './panes/control-clients.ts';
import { PaneOwners } from './panes/pane-owners.ts';
import { TmuxServers } from './panes/tmux-servers.ts';
import { PartsInOrder } from './part.ts';
import { Decisions } from './permissions/decisions.ts';
import { Permissions } from './permissions/permissions.ts';
import { Pool } from './pool/pool.ts';
import { UsedSessions } from './pool/used-sessions.ts';
import { After } from './preparation/after.ts';
import { News } from './preparation/news.ts';
import { Preparation } from './preparation/preparation.ts';
import type { Step } from './preparation/step.ts';
import { MakeWorktree } from './preparation/worktree.ts';
import { Claims } from './reports/claims.ts';
import { Elsewhere } from './reports/elsewhere.ts';
import { EventRates } from './reports/event-rates.ts';
import { Inbox } from './reports/inbox.ts';
import { KeptClaims } from './reports/kept-claims.ts';
import { RequestRouter } from './request-router.ts';
import { Hooks } from './signals/hooks.ts';
import { PaneWatch } from './signals/pane-watch.ts';
import { Turns } from './signals/turns.ts';
import { Watcher } from './signals/watcher.ts';
import { TakeUp } from './take-up.ts';
import { Trees } from './trees/trees.ts';
import { RunningChecks } from './verdicts/running-checks.ts';
import { Validator } from './verdicts/validator.ts';
import { Verifications } from './verdicts/verifications.ts';

/** Builds the parts of a hub, each from earlier ones. */
export function buildHub(options: HubOptions) {
  const { settings, log, onEnd } = options;
  const { realm, host } = settings;
  const isPublic = publicBroker(settings) !== undefined;
  const home = homePaths(settings.home);
  const isKeyLost = !existsSync(home.key) && existsSync(home.registries);
  const seal = Seal.of(home);
  if (isKeyLost) log.error(`${home.key} is missing: a new key is made, and earlier jobs are history`);
  const life = new Life();
  const claim = new HubClaim(home.hubFile, settings);
  const epoch = claim.status.started_at;
  const ownHome = new OwnHome({ ...options, home, seal, claim, life });
  const buses: HubBus[] = [];
  const retained = new RetainedRecords({ home, buses, realm, host, log, external: isPublic });
  const clients = new ControlClients(home.clients);
  const servers = new TmuxServers(clients);
  const outlets = new Outlets({ seal, retained, buses, servers, log, realm, host });
  const registrar = new Registrar({ home, seal, log, outlets });
  const brokers = new Brokers({ buses, settings, epoch, registrar, retained });
  const owners = new PaneOwners(() => registrar.open);
  const changes = new Changes();

  const texts = new PaneTexts(home.panes, log);
  const typist = new Typist({ texts, servers, jobOf: (id) => registrar.held(id) });
  const dispatcher = new Dispatcher({ registrar, servers, typist, log, announcements: home.servers });
  const notes = new Notes({ dispatcher, registrar, typist, log });
  const wakes = new Wakes({ dispatcher, registrar, servers, typist, log });
  const onEvent = new OnEvent({ home, log, command: settings.onEvent });
  const inbox = new Inbox({ outbox: home.outbox, log });
  const watcher = new Watcher({
    ...{ registrar, servers, log },
    catchUp: (jobId) => inbox.catchUp(jobId),
    unread: (job) => typist.unread(job),
  });
  const running = new RunningChecks(home.folder);
  const validator = new Validator({ registrar, checks: running, log });
  const verifications = new Verifications(registrar);
  const perRepository = new PerRepository();
  const trees = new Trees({ registrar, perRepository, home: home.folder, log });
  const paneOf = (record: JobRecord) => agentPane(servers, record);
  const permissions = new Permissions({ registrar, paneOf, log });
  const decisions = new Decisions({ registrar, permissions, paneOf });
  const conversations = new Conversations({ registrar, log });
  const turns = new Turns({ registrar, notes });
  const paneWatch = new PaneWatch({ registrar, servers, permissions, turns, log });

  const workChanges = new WorkChanges({ registrar, seal, log });
  const news = new News();
  const isStarting = (jobId: string) => preparation.isRunning(jobId);
  const used = new UsedSessions({ registrar, servers, dispatcher, log, isStarting });
  const pool = new Pool({ registrar, news, used });
  // In the order of `STEPS`.
  const steps: Step[] = [
    new After({ registrar, news }),
    pool,
    new MakeWorktree({ home, running, perRepository }),
  ];
  const preparation = new Preparation({ home, seal, registrar, news, steps, log });
  const forDelegations = {
    home,
    host,
    registrar,
    dispatcher,
    servers,
    owners,
    changes,
    preparation,
    pool,
    log,
  };
  const delegations = new Delegations(forDelegations);
  preparation.handOver = (...prepared) => handOverPrepared(forDelegations, ...prepared);
  const session = seal.nameFor(`session ${machineId()}`);
  const mesh = new Mesh({
    ...{ settings, log, epoch, session },
    bus: () => buses[0],
    openJobs: () => registrar.open.length,
  });
  const others = buildMesh(mesh, {
    ...{
      home,
      settings,
      registrar,
      delegations,
      decisions,
      dispatcher,
      servers,
      outlets,
      verifications,
      trees,
      used,
    },
    ...{ log, settingsAt, owners, changes, wakes, epoch, ready: life.ready },
  });

  // Events are published first, and time limits apply before anything new begins. A check starts before the next job gets
  // the pane; notes need the dispatcher's queue. Waiting requests come last, so that they see every effect.
  const first = [inbox, outlets, watcher, validator, verifications, trees];
  // Of a job that another host has, only these hear.
  const forReplicas = [outlets, others.replicas, wakes, onEvent, preparation, changes];
  const parts = new PartsInOrder(
    [
      ...first,
      others.guests,
      others.replicas,
      dispatcher,
      notes,
      wakes,
      permissions,
      paneWatch,
      onEvent,
      workChanges,
      used,
      preparation,
      conversations,
      changes,
    ],
    forReplicas,
    log,
  );
  registrar.onRecorded = (job, recorded) => {
    parts.onRecorded(job, recorded);
    life.need();
  };
  outlets.onKept = (job) => registrar.releaseJob(job);
  servers.onPanes = (socket) => parts.onPanes(socket);

  const elsewhere = isPublic ? new Elsewhere({ bus: () => buses[1], realm, host }) : undefined;
  const claims = new Claims({
    ...{ registrar, owners, elsewhere, log, home: home.folder, ready: life.ready, homes: others.homes },
    rates: new EventRates(settings.hubEventsPerMinute),
    earlier: (jobId) => inbox.earlier(jobId),
    reply: (topic, answer, from) => brokers.reply(topic, answer, from === 'outside'),
  });
  mesh.reception.receivers.claim = takeClaims({
    ...{ claims, log, uploads: others.uploads, policy: others.policy },
    areSendersProven: () => mesh.areSendersProven,
  });
  inbox.onEvent = (event, way) => claims.takeClaim(event.job_id, JSON.stringify(event), way, true);
  const kept = new KeptClaims({ claims, outbox: home.outbox });
  const calls = { claims: kept, elsewhere, onClients: life.need, onJoined: brokers.join };
  const join = new BrokerJoin({ settings, session, epoch, log, ...calls });

  const status = () => {
    const shown = mesh.status();
    const { registries: away, unproven } = registrar.missing;
    const open = registrar.open.length;
    const onOthers = registrar.unfinished.length - open;
    return {
      ...claim.status,
      ...(join.problem !== undefined && { broker_problem: join.problem }),
      clients: brokers.clients,
      open_jobs: open,
      ...(onOthers > 0 && { open_elsewhere: onOthers }),
      registries: registrar.registryDirs,
      ...(away.length > 0 && { away }),
      ...(unproven.length > 0 && { unproven }),
      ...(shown !== undefined && { mesh: shown }),
    };
  };
  const listeners = { permissions, decisions, turns, watch: paneWatch, changes, conversations, used };
  const hooks = new Hooks({ registrar, owners, log, ...listeners });
  const requests = new RequestRouter({
    ...{ registrar, verifications, servers, dispatcher, decisions, wakes, onEvent, home, log, status },
    workChanges,
    conversations,
    trees,
    screens: outlets.screens,
    used,
    hooks,
    delegations,
    elsewhere: others.handlerFor,
    ready: life.ready,
    stop: () => onEnd('asked to stop'),
    reply: (topic, answer) => brokers.reply(topic, answer),
  });

  const takeUp = new TakeUp({ home, log, life, registrar, brokers, inbox, dispatcher, parts });
  return {
    ...{ home, life, claim, ownHome, buses, brokers, join, retained, clients, servers, outlets, registrar },
    ...{ texts, inbox, preparation, onEvent, watcher, validator, parts, kept, requests, takeUp, mesh },
  };
}
