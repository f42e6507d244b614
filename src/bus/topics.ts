import { MamError } from '../base/errors.ts';

/** The first levels of every topic of ours. */
const ROOT = 'mam/v1';
const LEVEL = /^[a-z0-9-]{1,64}$/;

/** True for a string that may be a level of our topics: `[a-z0-9-]`, 1 to 64 characters. */
export function isLevel(value: string): boolean {
  return LEVEL.test(value);
}

/** Topic of the claims about one job. @throws MamError `bad_input` if a level contains other characters */
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

/** A log topic, or its filter, for any hub. */
export function ofAnyHost(topic: string): string {
  return topic.replace(/\/hosts\/[^/]+\/jobs\//, '/hosts/+/jobs/');
}

/** The filter for all jobs that a log topic falls under; any other topic as it is. */
export function filterOf(topic: string): string {
  return topic.replace(/\/jobs\/[^/]+\/log$/, '/jobs/+/log');
}

/** Topic of the retained record of one job. */
export function recordTopic(realm: string, host: string, jobId: string): string {
  return join(realm, 'hosts', level('host', host), 'jobs', level('job id', jobId), 'record');
}

/** Topic on which a hub accepts requests. */
export function requestTopic(realm: string, host: string): string {
  return join(realm, 'hosts', level('host', host), 'requests');
}

/** True for the request topic of any host: on its own socket, the hub is the only one. */
export function isRequestTopic(realm: string, topic: string): boolean {
  return levelBetween(topic, `${ROOT}/${realm}/hosts/`, '/requests') !== undefined;
}

/** Topic on which one client receives the hub's replies. */
export function replyTopic(realm: string, client: string): string {
  return join(realm, 'clients', level('client id', client), 'replies');
}

/** Topic on which a hub receives other hubs' answers to the claims that it has passed on. */
export function hubReplyTopic(realm: string, host: string): string {
  return replyTopic(realm, `hub-${host}`);
}

/** Topic of a hub's retained presence. */
export function statusTopic(realm: string, host: string): string {
  return join(realm, 'hosts', level('host', host), 'status');
}

/** Filter for everything that other hubs send to this one. */
export function inboxFilter(realm: string, host: string): string {
  return join(realm, 'hosts', level('host', host), 'in', '#');
}

/** Filter for the reports that one program, or one hub, sends to a hub. */
export function inboxClaimFilter(realm: string, host: string, from: string): string {
  return join(realm, 'hosts', level('host', host), 'in', level('host', from), 'claim', '#');
}

/**
 * Topic of one kind of message from a hub to another. The sender comes before the kind, so that a broker needs one rule
 * for all kinds. @param jobId of a kind that is about one job
 */
export function inboxTopic(realm: string, to: string, from: string, kind: string, jobId?: string): string {
  const tail = jobId === undefined ? [] : [level('job id', jobId)];
  return join(realm, 'hosts', level('host', to), 'in', level('host', from), level('kind', kind), ...tail);
}

/** The levels of an inbox topic. */
export interface InboxAddress {
  to: string;
  from: string;
  kind: string;
  jobId: string | undefined;
}

/** The levels of an inbox topic of this realm, of any hub; undefined if `topic` is none. */
export function parseInboxTopic(realm: string, topic: string): InboxAddress | undefined {
  const prefix = `${ROOT}/${realm}/hosts/`;
  if (!topic.startsWith(prefix)) return undefined;
  const levels = topic.slice(prefix.length).split('/');
  const [to = '', inbox, from = '', kind = '', jobId] = levels;
  if (inbox !== 'in' || levels.length > 5 || ![to, from, kind, jobId ?? kind].every(isLevel))
    return undefined;
  return { to, from, kind, jobId };
}

/** The prefix of every topic of a realm, with its slash. */
export function realmPrefix(realm: string): string {
  return `${ROOT}/${level('realm', realm)}/`;
}

/** Where the embedded broker puts rejected messages; nobody can subscribe to it. */
export const REJECTED_TOPIC = `${ROOT}/rejected`;

/** The job id of a claims topic, or undefined if `topic` is not a well-formed claims topic of this realm. */
export function parseClaimTopic(realm: string, topic: string): string | undefined {
  return levelBetween(topic, `${ROOT}/${realm}/claims/`, '');
}

/** True for a client's reply topic of this realm: the only place where a hub answers. */
export function isReplyTopic(realm: string, topic: string): boolean {
  return levelBetween(topic, `${ROOT}/${realm}/clients/`, '/replies') !== undefined;
}

/** The single level between a prefix and a suffix of a topic; undefined if the topic has a different form. */
function levelBetween(topic: string, prefix: string, suffix: string): string | undefined {
  if (!topic.startsWith(prefix) || !topic.endsWith(suffix)) return undefined;
  const found = topic.slice(prefix.length, topic.length - suffix.length);
  return isLevel(found) ? found : undefined;
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
