import { MamError } from '../base/errors.ts';
import type { Given } from './table.ts';

/** An external broker. `password` never reaches a log, a record, an error or a command line. */
export interface BrokerSettings {
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  ca?: string | undefined;
  /** The user accepts that others on the network can read and change the messages. */
  plain?: boolean | undefined;
}

/**
 * The broker, with the user name and password that belong to the source of its URL: those in a file are for the broker
 * that the file names, those in the environment for one that the user names, there or in `MAM_HOME`.
 * @throws MamError `bad_input` for an unusable URL; the message leaves it out, because it may hold a password
 */
export function brokerSettings(env: Given, project: Given, own: Given): BrokerSettings | undefined {
  const plain = env.brokerPlain === true && { plain: true };
  if (env.brokerUrl !== undefined) return { ...brokerOf(env.brokerUrl, env), ...plain };
  if (project.brokerUrl !== undefined) return { ...brokerOf(project.brokerUrl, project), ...plain };
  return own.brokerUrl === undefined
    ? undefined
    : { ...brokerOf(own.brokerUrl, { ...own, ...env }), ...plain };
}

/** @param given the user name and password for this URL, unless they are in it */
function brokerOf(url: string, given: Given): BrokerSettings {
  try {
    const parsed = new URL(url);
    const username = given.brokerUsername ?? (decodeURIComponent(parsed.username) || undefined);
    const password = given.brokerPassword ?? (decodeURIComponent(parsed.password) || undefined);
    if (/^(mqtt|ws)s?:$/.test(parsed.protocol) && parsed.hostname !== '') {
      [parsed.username, parsed.password] = ['', ''];
      return { url: parsed.toString(), username, password, ca: given.brokerCa };
    }
  } catch {
    // Reported below.
  }
  throw new MamError(
    'bad_input',
    'The broker URL cannot be used.',
    'Set MAM_BROKER_URL to mqtt://HOST:PORT, mqtts://HOST:PORT, ws://… or wss://…, or unset it for the embedded broker.',
  );
}
