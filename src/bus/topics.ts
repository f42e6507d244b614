import { MamError } from '../base/errors.ts';

/** The first levels of every topic of ours. */
const ROOT = 'mam/v1';
const LEVEL = /^[a-z0-9-]{1,64}$/;

/** True for a string that may stand between two slashes of our topics: `[a-z0-9-]`, 1 to 64 characters. */
export function isLevel(value: string): boolean {
  return LEVEL.test(value);
}

/** Topic of the claims about one job. @throws MamError `bad_input` when a level has other characters. */
export function claimTopic(realm: string, jobId: string): string {
  return join(realm, 'claims', level('job id', jobId));
}

/** Filter for the claims about all jobs of a realm. */
export function claimFilter(realm: string): string {
  return join(realm, 'claims', '+');
}

/** Topic of the recorded events of one job, written by its home hub. */
export function logTopic(realm: string, host: string, jobId: string): string {
  return join(realm, 'hosts', level('host', host), 'jobs', level('job id', jobId), 'log');
}

/** Filter for the recorded events of all jobs of a host. */
export function logFilter(realm: string, host: string): string {
  return join(realm, 'hosts', level('host', host), 'jobs', '+', 'log');
}

/** Stands for the name of whichever hub it is. */
export const ANY_HOST = '+';

/** A log topic, or its filter, as it is for any hub. */
export function ofAnyHost(topic: string): string {
  return topic.replace(/\/hosts\/[^/]+\/jobs\//, `/hosts/${ANY_HOST}/jobs/`);
}

/** The filter for all jobs that a log topic falls under; any other topic as it is. */
export function filterOf(topic: string): string {
  return topic.replace(/\/jobs\/[^/]+\/log$/, '/jobs/+/log');
}

/** Topic of the retained record of one job. */
export function recordTopic(realm: string, host: string, jobId: string): string {
  return join(realm, 'hosts', level('host', host), 'jobs', level('job id', jobId), 'record');
}

/** Topic where a hub takes requests. */
export function requestTopic(realm: string, host: string): string {
  return join(realm, 'hosts', level('host', host), 'requests');
}

/** Where the request is for the hub on whose own socket it comes in: whichever name it goes by, there is no other. */
export function isRequestTopic(realm: string, topic: string): boolean {
  const [hosts, host, requests, ...rest] = topic.slice(realmPrefix(realm).length).split('/');
  if (!topic.startsWith(realmPrefix(realm)) || rest.length > 0) return false;
  return hosts === 'hosts' && host !== undefined && isLevel(host) && requests === 'requests';
}

/** Topic where one client hears the hub's replies. */
export function replyTopic(realm: string, client: string): string {
  return join(realm, 'clients', level('client id', client), 'replies');
}

/** Topic where a hub hears what other hubs on its broker say to the claims that it has passed on. */
export function hubReplyTopic(realm: string, host: string): string {
  return replyTopic(realm, `hub-${host}`);
}

/** Topic of a hub's retained presence. */
export function statusTopic(realm: string, host: string): string {
  return join(realm, 'hosts', level('host', host), 'status');
}

/** The prefix, with its slash, that every topic of a realm begins with. */
export function realmPrefix(realm: string): string {
  return `${ROOT}/${level('realm', realm)}/`;
}

/** Where the embedded broker puts what it swallows; nobody can subscribe to it. */
export const REJECTED_TOPIC = `${ROOT}/rejected`;

/** The job id of a claims topic, or undefined when `topic` is not a well-formed one of this realm. */
export function parseClaimTopic(realm: string, topic: string): string | undefined {
  const prefix = `${ROOT}/${realm}/claims/`;
  if (!topic.startsWith(prefix)) return undefined;
  const jobId = topic.slice(prefix.length);
  return isLevel(jobId) ? jobId : undefined;
}

/** Host and job id of a log topic, or undefined when `topic` is not a well-formed one of this realm. */
export function parseLogTopic(realm: string, topic: string): { host: string; jobId: string } | undefined {
  const prefix = `${ROOT}/${realm}/hosts/`;
  if (!topic.startsWith(prefix)) return undefined;
  const [host, jobs, jobId, log, ...rest] = topic.slice(prefix.length).split('/');
  if (host === undefined || jobId === undefined || jobs !== 'jobs' || log !== 'log' || rest.length > 0) {
    return undefined;
  }
  return isLevel(host) && isLevel(jobId) ? { host, jobId } : undefined;
}

/** True for a client's reply topic of this realm: the only place where a hub answers. */
export function isReplyTopic(realm: string, topic: string): boolean {
  const prefix = `${ROOT}/${realm}/clients/`;
  const suffix = '/replies';
  if (!topic.startsWith(prefix) || !topic.endsWith(suffix)) return false;
  return isLevel(topic.slice(prefix.length, -suffix.length));
}

function join(realm: string, ...levels: string[]): string {
  return realmPrefix(realm) + levels.join('/');
}

function level(name: string, value: string): string {
  if (isLevel(value)) return value;
  throw new MamError(
    'bad_input',
    `The ${name} ${JSON.stringify(value.slice(0, 80))} cannot become part of an MQTT topic.`,
    'Use 1 to 64 characters of a-z, 0-9 and "-".',
  );
}
