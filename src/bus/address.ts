import { MamError, systemCode } from '../base/errors.ts';
import { namesInWords } from '../settings/table.ts';

/** Where the broker is: the hub's own unix socket, or a real broker's URL (`mqtt`, `mqtts`, `ws`, `wss`). */
export type BrokerAddress = { kind: 'socket'; path: string } | UrlAddress;

export interface UrlAddress {
  kind: 'url';
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  /** PEM text of the certificate authority. */
  ca?: string | undefined;
  /** PEM texts of the client certificate and its key: both or neither. */
  cert?: string | undefined;
  key?: string | undefined;
}

/** CONNACK codes of MQTT 3.1.1 and 5 for bad credentials and for a user without rights: a retry is useless. */
const ABOUT_USER: readonly unknown[] = [4, 0x86, 5, 0x87];

/** The address as shown to people: a URL without user name, password and query. */
export function describeAddress(address: BrokerAddress): string {
  return address.kind === 'socket' ? address.path : redactUrl(address.url);
}

/** `url` without user info, query and fragment; a text that is not a URL becomes `(invalid URL)`. */
export function redactUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
  } catch {
    return '(invalid URL)';
  }
}

/** Several of them, as a list with commas. */
export function redactUrls(urls: readonly string[]): string {
  return urls.map(redactUrl).join(', ');
}

/**
 * Refuses a broker one of whose addresses is on another machine and unencrypted, unless the user accepts that.
 * @param more added to the next step @throws MamError `refused`
 */
export function checkEncrypted(
  { urls, plain }: { urls: readonly string[]; plain?: boolean | undefined },
  more = '',
): void {
  if (plain !== true) for (const url of urls) checkUrl(url, more);
}

function checkUrl(url: string, more: string): void {
  const { protocol, hostname } = new URL(url);
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
  if (protocol === 'mqtts:' || protocol === 'wss:' || isLoopback) return;
  const secure = protocol === 'ws:' ? 'wss' : 'mqtts';
  throw new MamError(
    'refused',
    `The MQTT broker ${redactUrl(url)} is on another machine and its connection is not encrypted: others on the network could read the jobs and the password, and report in the name of peers.`,
    `Use ${secure}:// in MAM_BROKER_URL, or set MAM_BROKER_PLAIN=1 ("broker_plain": true in MAM_HOME/config.json) if the network itself is safe.${more}`,
  );
}

/** True if a failed connection cannot succeed until settings are changed. */
export function isFinalFailure(error: unknown): boolean {
  return ABOUT_USER.includes((error as { code?: unknown }).code) || tlsReason(error) !== undefined;
}

/** True if the other side closed the connection without giving a reason. */
export function isClosed(error: unknown): boolean {
  const code = systemCode(error);
  if (code !== undefined) return code === 'ECONNRESET' || code === 'EPIPE';
  if ((error as { code?: unknown } | undefined)?.code !== undefined) return false;
  return error instanceof Error && /connection closed|socket hang up/i.test(error.message);
}

/** True if nothing listens on a unix socket: it is missing or dead. */
export function isRefused(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ENOTDIR';
}

/** The error for a broker that could not be reached; it contains no secret of `address`. */
export function unreachable(address: BrokerAddress, error: unknown): MamError {
  const where = describeAddress(address);
  if (address.kind === 'socket') {
    const message = `The hub at ${where} cannot be reached (${reason(error)}).`;
    return new MamError('unreachable', message, '`mam doctor` says what is wrong.', { cause: error });
  }
  const [what, remedy] = brokerFailure(address, error);
  return new MamError('unreachable', `The MQTT broker ${where} ${what}.`, remedy);
}

const CERTIFICATE = namesInWords('brokerCert', 'brokerKey');

/** What is wrong, as the end of a sentence, and the next step. */
function brokerFailure(address: UrlAddress, error: unknown): [what: string, remedy: string] {
  if (ABOUT_USER.includes((error as { code?: unknown } | undefined)?.code)) {
    const remedy = `Set ${namesInWords('brokerUsername', 'brokerPassword')} to what the broker accepts.`;
    return ['refused the user name or the password', remedy];
  }
  const tls = tlsReason(error);
  return tls === undefined
    ? [`cannot be reached (${reason(error)})`, remedyFor(address.url, error)]
    : tlsFailure(tls, address.cert !== undefined);
}

/** @param hasCert a client certificate was offered */
function tlsFailure(code: string, hasCert: boolean): [what: string, remedy: string] {
  if (/^ERR_OSSL/.test(code))
    return [
      `was not contacted, because a certificate file cannot be used (${code})`,
      `${namesInWords('brokerCa', 'brokerCert', 'brokerKey')} must be PEM files, and the key that of the certificate, without a passphrase.`,
    ];
  if (/WRONG_VERSION|PACKET_LENGTH|^EPROTO$/.test(code))
    return [
      `does not speak TLS on this port (${code})`,
      'Use its port for TLS in MAM_BROKER_URL (often 8883), or start the URL with mqtt:// if it has none.',
    ];
  if (/ALERT/.test(code))
    return [
      `refused the TLS connection (${code})`,
      hasCert
        ? `It does not accept the client certificate: set ${CERTIFICATE} to one that its authority has signed and that has not expired.`
        : `If it requires a client certificate: set ${CERTIFICATE} to its PEM files.`,
    ];
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return [
      `has a TLS certificate for another name (${code})`,
      `Use a name or address that the certificate has in ${namesInWords('brokerUrl')}, or give the broker one for this name.`,
    ];
  const remedy =
    code === 'CERT_HAS_EXPIRED'
      ? 'Ask whoever runs the broker to renew it.'
      : `Set ${namesInWords('brokerCa')} to the PEM file of its certificate authority.`;
  return [`has a TLS certificate that is not trusted (${code})`, remedy];
}

function remedyFor(url: string, error: unknown): string {
  if (!isClosed(error) && !isForeign(error))
    return `Check ${namesInWords('brokerUrl')} and that the broker runs. If no other host or program needs one, unset it.`;
  const schemes =
    new URL(url).protocol === 'mqtt:'
      ? 'for a port with TLS the URL starts with mqtts://, for WebSockets with ws:// or wss://'
      : 'without TLS the URL starts with mqtt:// or ws://, without WebSockets with mqtt:// or mqtts://';
  return `Something listens there and speaks another protocol, or refuses this client: ${schemes}. Otherwise the broker's log says why.`;
}

/** True if the answer was not MQTT. */
function isForeign(error: unknown): boolean {
  return (
    error instanceof Error &&
    /header flag|unexpected server response|invalid websocket|parse error/i.test(error.message)
  );
}

/** The reason, without a URL: a system code if there is one. */
function reason(error: unknown): string {
  const code = systemCode(error);
  if (code !== undefined) return code;
  const { code: refusal, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  if (typeof refusal === 'number') {
    // The broker's own reason, in the words of the MQTT standard.
    const words = /^Connection refused: ([A-Za-z ,()-]{3,60})$/.exec(message)?.[1];
    return `refused: ${words === undefined ? '' : `${words}, `}code ${refusal}`;
  }
  const status = /unexpected server response: (\d{3})/i.exec(message)?.[1];
  if (status !== undefined) return `it answers HTTP ${status}`;
  if (isForeign(error)) return 'its answer is not MQTT';
  return error instanceof Error && /timeout/i.test(message) ? 'no answer in time' : 'connection closed';
}

function tlsReason(error: unknown): string | undefined {
  const code = systemCode(error);
  return code !== undefined &&
    /CERT|SELF_SIGNED|ISSUER|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|ERR_OSSL|^EPROTO$/.test(code)
    ? code
    : undefined;
}
