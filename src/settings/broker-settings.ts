import { MamError } from '../base/errors.ts';
import { type Given, namesInWords } from './table.ts';

/** An external broker. `password` never reaches a log, a record, an error or a command line. */
export interface BrokerSettings {
  /** At least one; more are the nodes of a cluster. None has a user name or a password in it. */
  urls: string[];
  username?: string | undefined;
  password?: string | undefined;
  ca?: string | undefined;
  /** PEM files of the client certificate and its key: both or neither. */
  cert?: string | undefined;
  key?: string | undefined;
  /** The user accepts that others on the network can read and change the messages. */
  plain?: boolean | undefined;
}

/**
 * The broker, with the user name and password that belong to the source of its URL: those in a file are for the broker
 * that the file names, those in the environment for one that the user names, there or in `MAM_HOME`.
 * @throws MamError `bad_input` for an unusable URL; the message leaves it out, because it may hold a password
 */
export function brokerSettings(env: Given, project: Given, own: Given): BrokerSettings | undefined {
  const plain = (env.brokerPlain ?? own.brokerPlain) === true && { plain: true };
  if (env.brokerUrl !== undefined) return { ...brokerOf(env.brokerUrl, env), ...plain };
  if (project.brokerUrl !== undefined) return { ...brokerOf(project.brokerUrl, project), ...plain };
  return own.brokerUrl === undefined
    ? undefined
    : { ...brokerOf(own.brokerUrl, { ...own, ...env }), ...plain };
}

/** The broker on which the hub serves programs that are no hubs; undefined if there is none. */
export function publicBroker(settings: {
  broker?: BrokerSettings | undefined;
  brokerPublic: boolean;
}): BrokerSettings | undefined {
  return settings.brokerPublic ? settings.broker : undefined;
}

/** What separates URLs: a comma alone may be part of a password. */
const BETWEEN = /\s*,\s*(?=(?:mqtt|ws)s?:\/\/)/;

/** The parts of a list with commas. */
export function brokerUrls(text: string): string[] {
  return text.trim().split(BETWEEN);
}

/** @param given the user name, password and files for these URLs @param text one URL, or several with commas */
function brokerOf(text: string, given: Given): BrokerSettings {
  const { brokerCa: ca, brokerCert: cert, brokerKey: key } = given;
  if ((cert === undefined) !== (key === undefined)) throw halfCertificate(cert === undefined);
  const parsed = brokerUrls(text).map(parsedUrl);
  const [user] = parsed.map(({ username, password }) => ({ username, password }));
  // A broker must not get the password of another.
  if (parsed.some(({ username, password }) => username !== user?.username || password !== user?.password))
    throw new MamError(
      'bad_input',
      'The broker URLs have different user names or passwords.',
      `Write the same into each of them, or none and set ${namesInWords('brokerUsername', 'brokerPassword')}.`,
    );
  const username = given.brokerUsername ?? (user?.username || undefined);
  const password = given.brokerPassword ?? (user?.password || undefined);
  return { urls: parsed.map(({ url }) => url), username, password, ca, cert, key };
}

function parsedUrl(text: string): { url: string; username: string; password: string } {
  try {
    const parsed = new URL(text);
    const [username, password] = [parsed.username, parsed.password].map(decodeURIComponent) as [
      string,
      string,
    ];
    // A comma in the name of a host stands for a list whose next part has no scheme.
    if (/^(mqtt|ws)s?:$/.test(parsed.protocol) && /^[^,]+$/.test(parsed.hostname)) {
      [parsed.username, parsed.password] = ['', ''];
      return { url: parsed.toString(), username, password };
    }
  } catch {
    // Reported below.
  }
  throw new MamError(
    'bad_input',
    'The broker URL cannot be used.',
    'Set MAM_BROKER_URL to mqtt://HOST:PORT, mqtts://HOST:PORT, ws://… or wss://… (several with commas), or unset it for the embedded broker.',
  );
}

function halfCertificate(isWithoutCert: boolean): MamError {
  const [missing, set] = isWithoutCert ? ['CERT', 'KEY'] : ['KEY', 'CERT'];
  return new MamError(
    'bad_input',
    `MAM_BROKER_${set} is set without MAM_BROKER_${missing}: a client certificate needs its key.`,
    `Set both in the same place, or neither: ${namesInWords('brokerCert', 'brokerKey')}.`,
  );
}
