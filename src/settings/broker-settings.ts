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
 * The broker, with user and password from the source of its address: those in a file are for the broker that the file
 * names, those in the environment for one that the user names, there or in `MAM_HOME`.
 * @throws MamError `bad_input` for an unusable address, without the address, which may hold a password
 */
export function brokerSettings(env: Given, project: Given, own: Given): BrokerSettings | undefined {
  const plain = env.brokerPlain === true && { plain: true };
  if (env.brokerUrl !== undefined) return { ...brokerOf(env.brokerUrl, env), ...plain };
  if (project.brokerUrl !== undefined) return { ...brokerOf(project.brokerUrl, project), ...plain };
  return own.brokerUrl === undefined
    ? undefined
    : { ...brokerOf(own.brokerUrl, { ...own, ...env }), ...plain };
}

/** @param said the sources of user and password for this address */
function brokerOf(url: string, said: Given): BrokerSettings {
  try {
    const parsed = new URL(url);
    const username = said.brokerUsername ?? (decodeURIComponent(parsed.username) || undefined);
    const password = said.brokerPassword ?? (decodeURIComponent(parsed.password) || undefined);
    if (/^(mqtt|ws)s?:$/.test(parsed.protocol) && parsed.hostname !== '') {
      [parsed.username, parsed.password] = ['', ''];
      return { url: parsed.toString(), username, password, ca: said.brokerCa };
    }
  } catch {
    // Reported below.
  }
  throw new MamError(
    'bad_input',
    'The broker URL is not one that can be used.',
    'Set MAM_BROKER_URL to mqtt://HOST:PORT, mqtts://HOST:PORT, ws://… or wss://…, or unset it for the built-in broker.',
  );
}
