import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { freePort, listens } from './ports.ts';
import { until } from './until.ts';

export const installed = spawnSync('mosquitto', ['-h']).error === undefined;
export const USER = 'me';
/** The password; tests search everything for it afterwards. */
export const PASSWORD = 'sw0rdfish-77';

/** The owner of a broker, which ends it. */
type Host = Pick<Lab, 'folder' | 'env' | 'expected' | 'keep'>;

interface MosquittoOptions {
  tls?: boolean;
  /** Everyone may do everything. */
  anonymous?: boolean;
  /** Lines of its configuration. */
  more?: string[];
  /** It requires a client certificate, whose name is the user's; it lets in these names. */
  certified?: string[];
}

/** A real broker on its own loopback port that requires a password and keeps sessions on disk. */
export class Mosquitto {
  readonly port: number;
  readonly url: string;
  /** What clients need in their environment. */
  readonly env: Record<string, string>;
  readonly #lab: Host;
  readonly #options: MosquittoOptions;
  readonly #config: string;
  #child: ChildProcess | undefined;

  /** Its certificate, which is its own authority; only with `tls`. */
  readonly certificate: string;

  /** By name, the files of the clients that it lets in; only with `certified`. */
  readonly clients: Readonly<Record<string, { cert: string; key: string }>>;

  static async make(lab: Host, options: MosquittoOptions = {}): Promise<Mosquitto> {
    return new Mosquitto(lab, await freePort(), options);
  }

  private constructor(lab: Host, port: number, options: MosquittoOptions) {
    const { certified = [], tls = certified.length > 0, anonymous = false, more = [] } = options;
    this.#lab = lab;
    this.#options = options;
    this.port = port;
    this.url = `${tls ? 'mqtts' : 'mqtt'}://127.0.0.1:${port}`;
    this.env = { MAM_BROKER_URL: this.url, MAM_BROKER_USERNAME: USER, MAM_BROKER_PASSWORD: PASSWORD };
    const folder = join(lab.folder, 'mosquitto', String(port));
    lab.expected.push(/^mosquitto\//);
    mkdirSync(folder, { recursive: true });
    this.certificate = join(folder, 'certificate.pem');
    const key = join(folder, 'key.pem');
    if (tls) makeCertificate(key, this.certificate);
    this.clients = Object.fromEntries(
      certified.map((name) => [name, clientCertificate(folder, name)] as const),
    );
    // Each is its own authority.
    const authorities = join(folder, 'clients.pem');
    const texts = Object.values(this.clients).map(({ cert }) => readFileSync(cert, 'utf8'));
    writeFileSync(authorities, texts.join(''));
    const passwords = join(folder, 'passwords');
    writeFileSync(passwords, '');
    spawnSync('mosquitto_passwd', ['-b', passwords, USER, PASSWORD]);
    this.#config = join(folder, 'mosquitto.conf');
    writeFileSync(
      this.#config,
      [
        ...(process.getuid?.() === 0 ? ['user root'] : []),
        `listener ${port} 127.0.0.1`,
        ...(tls ? [`certfile ${this.certificate}`, `keyfile ${key}`] : []),
        ...(certified.length > 0
          ? [`cafile ${authorities}`, 'require_certificate true', 'use_identity_as_username true']
          : []),
        ...more,
        `allow_anonymous ${anonymous}`,
        `password_file ${passwords}`,
        'persistence true',
        `persistence_location ${folder}/`,
        'autosave_interval 1',
        'autosave_on_changes true',
        'max_queued_messages 0',
        'log_dest none',
        '',
      ].join('\n'),
    );
  }

  /** The same address with another configuration. */
  with(more: string[]): Mosquitto {
    return new Mosquitto(this.#lab, this.port, { ...this.#options, anonymous: false, more });
  }

  async start(): Promise<void> {
    this.#child = this.#lab.keep(
      spawn('mosquitto', ['-c', this.#config], { stdio: 'ignore', env: this.#lab.env }),
    );
    await until('mosquitto listens', () => listens({ port: this.port }));
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  }
}

/** The files of a new client certificate, which is its own authority. */
export function clientCertificate(folder: string, name: string): { cert: string; key: string } {
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}-key.pem`) };
  makeCertificate(files.key, files.cert, name);
  return files;
}

function makeCertificate(key: string, certificate: string, name = 'localhost'): void {
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key, '-out', certificate];
  const { status, stderr } = spawnSync('openssl', ['req', ...kind, ...names, ...files]);
  if (status !== 0) throw new Error(`openssl: ${stderr}`);
}
