import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  certificate: string;
  key: string;
}

/** A certificate authority of a test, with quick keys that hold for a day. */
export class Authority {
  readonly #folder: string;
  readonly #own: Certificate;

  /** @param folder for its files; made if it is missing */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#own = this.#files('ca');
    openssl('req', '-x509', ...newKey(this.#own.key), '-subj', '/CN=lab', '-days', '1', '-out', this.file);
  }

  /** Its own certificate, which others trust. */
  get file(): string {
    return this.#own.certificate;
  }

  /** A server's, for these addresses. */
  server(name: string, addresses: readonly string[]): Certificate {
    const names = [...new Set(addresses)].map((address) => `IP:${address}`).join(',');
    return this.#sign(name, `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`);
  }

  /** A client's, whose CN is its name. */
  client(name: string): Certificate {
    return this.#sign(name, 'extendedKeyUsage=clientAuth\n');
  }

  #sign(name: string, extensions: string): Certificate {
    const made = this.#files(name);
    const request = join(this.#folder, `${name}.csr`);
    const more = join(this.#folder, `${name}.ext`);
    writeFileSync(more, extensions);
    openssl('req', ...newKey(made.key), '-subj', `/CN=${name}`, '-out', request);
    const by = ['-CA', this.#own.certificate, '-CAkey', this.#own.key, '-CAcreateserial'];
    openssl('x509', '-req', '-in', request, ...by, '-days', '1', '-extfile', more, '-out', made.certificate);
    return made;
  }

  #files(name: string): Certificate {
    return { certificate: join(this.#folder, `${name}.pem`), key: join(this.#folder, `${name}.key`) };
  }
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file];
}

/** @throws with what openssl said */
function openssl(...args: string[]): void {
  const { status, stderr, error } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${error?.message ?? stderr}`);
}
