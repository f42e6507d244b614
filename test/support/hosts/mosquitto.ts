import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../ports.ts';
import { Broker, type BrokerOptions } from './broker.ts';
import { Daemon } from './daemon.ts';
import type { Hosts } from './hosts.ts';
import { BROKER_HOST } from './network.ts';

/** Why there is no Mosquitto here; undefined if there is one. */
export const NO_MOSQUITTO =
  spawnSync('mosquitto', ['-h']).error === undefined ? undefined : 'mosquitto is missing: install it';

/** Mosquitto with nothing on disk: it is empty whenever it starts, which takes 30 ms. */
export class MosquittoBroker extends Broker {
  readonly kind = 'mosquitto';

  /** Makes its files; `start` starts it. */
  static async make(hosts: Hosts, options: BrokerOptions = {}): Promise<MosquittoBroker> {
    return new MosquittoBroker(hosts, await freePort(), options);
  }

  private constructor(hosts: Hosts, port: number, options: BrokerOptions) {
    super(hosts, `mosquitto-${port}`, options);
    this.ports.push(port);
    const folder = join(this.folder, 'etc');
    mkdirSync(join(folder, 'mosquitto/mam'), { recursive: true });
    if (this.tls !== false) this.#copyCertificates(join(folder, 'mosquitto/mam'));
    this.write(folder, (file, text) => (file.endsWith('/mam.conf') ? this.#changed(text, port) : text));
    const hashed = spawnSync('mosquitto_passwd', ['-U', join(folder, 'mosquitto/mam/passwords')]);
    if (hashed.status !== 0) throw new Error(`mosquitto_passwd: ${hashed.error?.message ?? hashed.stderr}`);
    const config = join(folder, 'mosquitto/mosquitto.conf');
    const own = [
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      'persistence false',
      'log_dest stderr',
      'log_type error',
      'log_type warning',
      'log_type notice',
      `include_dir ${join(folder, 'mosquitto/conf.d')}`,
    ];
    writeFileSync(config, `${own.join('\n')}\n`);
    const isReady = () => hosts.net.listens(BROKER_HOST, port);
    const words = ['mosquitto', '-c', config];
    this.nodes.push(new Daemon(hosts, { host: BROKER_HOST, name: 'mosquitto', words, isReady }));
  }

  // It keeps nothing.
  protected async wipe(): Promise<void> {}

  #copyCertificates(folder: string): void {
    const { certificate, key } = this.serverCertificate();
    copyFileSync(certificate, join(folder, 'server.pem'));
    copyFileSync(key, join(folder, 'server.key'));
    copyFileSync(this.ca, join(folder, 'ca.pem'));
  }

  /** What a user changes in the file for another port and other ways to prove who it is. */
  #changed(text: string, port: number): string {
    const { open = false, acl = true, more = [] } = this.options;
    const without = (all: string, pattern: RegExp) => all.replaceAll(pattern, '');
    let changed = text.replace('listener 8883', `listener ${port}`);
    if (this.tls === false) changed = without(changed, /^(certfile|keyfile) .*\n/gm);
    if (this.tls === 'certificate')
      changed = without(changed, /^password_file .*\n/gm).replaceAll(
        /^# (cafile|require_certificate|use_identity_as_username) /gm,
        '$1 ',
      );
    if (open) changed = changed.replace('allow_anonymous false', 'allow_anonymous true');
    if (open || !acl) changed = without(changed, /^acl_file .*\n/gm);
    return `${changed}${more.map((line) => `${line}\n`).join('')}`;
  }
}
