import { afterEach, expect, test } from 'vitest';
import { Directory } from '../../../src/hub/mesh/directory.ts';
import { type Kind, MESH_VERSION } from '../../../src/hub/mesh/wire/messages.ts';
import type { Wire } from '../../../src/hub/mesh/wire/wire.ts';
import { PROTOCOL_VERSION } from '../../../src/operations/request.ts';
import type { Hosts } from '../../../src/settings/hosts-config.ts';

const EPOCH = '2026-11-30T12:00:00.000Z';
const SSH = { hostb: { ssh: 'me@hostb' } } as unknown as Hosts;
let directory: Directory | undefined;

afterEach(() => directory?.stop());

/** What is sent over a way. */
class Way implements Wire {
  readonly sent: Kind[] = [];
  isUp = true;
  readonly kind: Wire['kind'];

  constructor(kind: Wire['kind']) {
    this.kind = kind;
  }

  send(_: string, kind: Kind): boolean {
    if (this.isUp) this.sent.push(kind);
    return this.isUp;
  }

  async stop(): Promise<void> {}
}

/** hosta, to which hostb may have come over ssh, and which may reach it over ssh. */
function hosta() {
  const [ssh, socket] = [new Way('ssh'), new Way('socket')];
  const opened: string[] = [];
  let isOverSsh = false;
  const made = new Directory({
    ...{ host: 'hosta', graceSeconds: 30, onChange: () => {} },
    ways: {
      wireTo: () => (isOverSsh ? ssh : undefined),
      open: (name) => {
        opened.push(name);
        return undefined;
      },
      watch: () => {},
    },
    hello: () => said(),
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  directory = made;
  const configure = (hosts: Hosts): void => {
    isOverSsh = Object.keys(hosts).length > 0;
    made.configure(hosts);
  };
  const hello = (wire: Wire, to: string): void => {
    const payload = Buffer.from(JSON.stringify({ ...said(), reply: false }));
    made.takeHello({ wire, from: 'hostb', to, kind: 'hello', jobId: undefined, payload });
  };
  return { directory: made, ssh, socket, opened, configure, hello };
}

function said() {
  return { v: MESH_VERSION, epoch: EPOCH, now: new Date().toISOString(), protocol: PROTOCOL_VERSION };
}

test('a host that has come over ssh, and is then to be reached over ssh, is asked over that', () => {
  const { directory, ssh, socket, configure, hello } = hosta();
  configure({});
  hello(socket, 'this');
  directory.send('hostb', 'ask', {});
  expect(socket.sent).toContain('ask');
  configure(SSH);
  expect(directory.get('hostb')?.online).toBe(false);
  directory.send('hostb', 'ask', {});
  expect(ssh.sent).toContain('ask');
  expect(directory.sendToGuest('hostb', 'feed', {}, 'roof')).toBe(true);
  expect(socket.sent).toContain('feed');
});

test('a host that settings do not name any more is told of its jobs over its own connection', () => {
  const { directory, ssh, socket, configure, hello } = hosta();
  configure(SSH);
  hello(ssh, 'hosta');
  hello(socket, 'this');
  ssh.isUp = false;
  configure({});
  directory.wireDown(ssh);
  expect(directory.sendToGuest('hostb', 'feed', {}, 'roof')).toBe(true);
  expect(socket.sent).toContain('feed');
  directory.gone(socket, 'hostb');
  expect(directory.sendToGuest('hostb', 'feed', {}, 'roof')).toBe(false);
});

test('the new way to the home of an open job is opened', () => {
  const { directory, opened, configure } = hosta();
  configure(SSH);
  directory.watch('hostb');
  const before = opened.length;
  configure({ hostb: { ssh: 'me@elsewhere' } } as unknown as Hosts);
  expect(opened.length).toBeGreaterThan(before);
});
