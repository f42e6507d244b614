import { MamError, systemCode } from '../base/errors.ts';

/** Where the broker is: the hub's own unix socket, or a real broker's URL (`mqtt`, `mqtts`, `ws`, `wss`). */
export type BrokerAddress =
  | { kind: 'socket'; path: string }
  | {
      kind: 'url';
      url: string;
      username?: string | undefined;
      password?: string | undefined;
      /** PEM text of the certificate authority. */
      ca?: string | undefined;
    };

/** CONNACK codes of MQTT 3.1.1 and of MQTT 5 that say that trying again is of no use. */
const BAD_CREDENTIALS: readonly unknown[] = [4, 0x86];
const NOT_AUTHORIZED: readonly unknown[] = [5, 0x87];

/** The address for people: a URL without user name, password and query. */
export function describeAddress(address: BrokerAddress): string {
  return address.kind === 'socket' ? address.path : redactUrl(address.url);
}

/** `url` without user info, query and fragment; a text that is no URL becomes `(invalid URL)`. */
export function redactUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
  } catch {
    return '(invalid URL)';
  }
}

/**
 * Refuses an address over which others on the network could read and change everything, the password too.
 * @param more added to the next step
 * @throws MamError `refused`
 */
export function checkEncrypted(url: string, more = ''): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'mqtts:' || protocol === 'wss:' || isLoopback(hostname)) return;
  const secure = protocol === 'ws:' ? 'wss' : 'mqtts';
  throw new MamError(
    'refused',
    `The MQTT broker ${redactUrl(url)} is on another machine and its connection is not encrypted: others on the network could read the jobs and the password, and report in the name of peers.`,
    `Use ${secure}:// in MAM_BROKER_URL, or set MAM_BROKER_PLAIN=1 where the network itself is safe.${more}`,
  );
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** True when a failed connection cannot succeed without a change of settings. */
export function isFinalFailure(error: unknown): boolean {
  const code: unknown = (error as { code?: unknown }).code;
  return isAboutUser(code) || tlsReason(error) !== undefined;
}

function isAboutUser(code: unknown): boolean {
  return BAD_CREDENTIALS.includes(code) || NOT_AUTHORIZED.includes(code);
}

/** True when the other side has closed the connection and said nothing of its own. */
export function isClosed(error: unknown): boolean {
  const code = systemCode(error);
  if (code !== undefined) return code === 'ECONNRESET' || code === 'EPIPE';
  if ((error as { code?: unknown } | undefined)?.code !== undefined) return false;
  return error instanceof Error && /connection closed|socket hang up/i.test(error.message);
}

/** True when nobody listens at a unix socket: it is missing or dead. */
export function isRefused(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ENOTDIR';
}

/** The sentence for a broker that could not be reached; without any secret of `address`. */
export function unreachable(address: BrokerAddress, error: unknown): MamError {
  const where = describeAddress(address);
  if (address.kind === 'socket') {
    return new MamError(
      'unreachable',
      `The hub at ${where} cannot be reached (${reason(error)}).`,
      '`mam doctor` tells what stands in its way.',
      { cause: error },
    );
  }
  const code: unknown = (error as { code?: unknown } | undefined)?.code;
  if (isAboutUser(code)) {
    return new MamError(
      'unreachable',
      `The MQTT broker ${where} refused the user name or the password.`,
      'Set MAM_BROKER_USERNAME and MAM_BROKER_PASSWORD to what the broker accepts.',
    );
  }
  const tls = tlsReason(error);
  if (tls !== undefined) return tlsError(where, tls);
  return new MamError(
    'unreachable',
    `The MQTT broker ${where} cannot be reached (${reason(error)}).`,
    remedy(address.url, error),
  );
}

function tlsError(where: string, code: string): MamError {
  if (/WRONG_VERSION|PACKET_LENGTH|^EPROTO$/.test(code))
    return new MamError(
      'unreachable',
      `The MQTT broker ${where} does not speak TLS at this port (${code}).`,
      'Name its port for TLS in MAM_BROKER_URL (often 8883), or begin it with mqtt:// where it has none.',
    );
  if (/ALERT/.test(code))
    return new MamError(
      'unreachable',
      `The MQTT broker ${where} refused the TLS connection (${code}).`,
      'If it asks for a certificate of its clients: mam has none to show; let it take a user name and a password.',
    );
  const hint =
    code === 'CERT_HAS_EXPIRED'
      ? 'Let whoever runs the broker renew it.'
      : 'Set MAM_BROKER_CA to the PEM file of its certificate authority, and check the host name in MAM_BROKER_URL.';
  const message = `The TLS certificate of the MQTT broker ${where} is not trusted (${code}).`;
  return new MamError('unreachable', message, hint);
}

function remedy(url: string, error: unknown): string {
  const { protocol } = new URL(url);
  if (isClosed(error) || isForeign(error))
    return protocol === 'mqtt:'
      ? 'Something listens there and speaks another protocol, or refuses this client: for a port with TLS the URL begins with mqtts://, for WebSockets with ws:// or wss://. Else the log of the broker says why.'
      : `Something listens there and speaks another protocol, or refuses this client: without TLS the URL begins with mqtt:// or ws://, without WebSockets with mqtt:// or mqtts://. Else the log of the broker says why.`;
  return 'Check MAM_BROKER_URL and that the broker runs; unset it to use the embedded broker.';
}

/** True when what came back is no MQTT. */
function isForeign(error: unknown): boolean {
  return (
    error instanceof Error &&
    /header flag|unexpected server response|invalid websocket|parse error/i.test(error.message)
  );
}

/** Why, in words that hold no URL: a system code where there is one. */
function reason(error: unknown): string {
  const code = systemCode(error);
  if (code !== undefined) return code;
  if (typeof (error as { code?: unknown } | undefined)?.code === 'number') {
    return `refused: ${saidBy(error)}`;
  }
  const status = /unexpected server response: (\d{3})/i.exec(
    (error as Error | undefined)?.message ?? '',
  )?.[1];
  if (status !== undefined) return `it answers HTTP ${status}`;
  if (isForeign(error)) return 'what it says is not MQTT';
  return error instanceof Error && /timeout/i.test(error.message) ? 'no answer in time' : 'connection closed';
}

/** The broker's own reason, as MQTT has words for it. */
function saidBy(error: unknown): string {
  const { code, message = '' } = error as { code: number; message?: string };
  const words = /^Connection refused: ([A-Za-z ,()-]{3,60})$/.exec(message)?.[1];
  return words === undefined ? `code ${code}` : `${words}, code ${code}`;
}

function tlsReason(error: unknown): string | undefined {
  const code = systemCode(error);
  return code !== undefined && /CERT|SELF_SIGNED|ISSUER|ERR_TLS|ERR_SSL|^EPROTO$/.test(code)
    ? code
    : undefined;
}
