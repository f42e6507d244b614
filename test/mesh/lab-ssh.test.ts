import { afterEach, describe, expect, test } from 'vitest';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { NO_NAMESPACES } from '../support/hosts/namespaces.ts';
import { NO_SSHD, Sshd } from '../support/hosts/sshd.ts';
import { pause, until } from '../support/until.ts';

let world: Hosts;
afterEach(() => world.end());

describe.each(['namespaces', 'loopback'] as const)('ssh between hosts over %s', (over) => {
  test('who logs in is on the other host, with its mam, home and name', async (context) => {
    if (over === 'namespaces') context.skip(NO_NAMESPACES !== undefined, NO_NAMESPACES);
    context.skip(NO_SSHD !== undefined, NO_SSHD);
    world = await hosts(['hosta', 'hostb'], { over });
    const sshd = await Sshd.start(world, 'hostb');
    const destination = await sshd.letIn('hosta');
    const there = await world
      .lab('hosta')
      .run('ssh', [destination, 'echo $MAM_HOST $MAM_HOME; readlink /proc/self/ns/net; mam --version']);
    expect(there).toMatchObject({ code: 0, stderr: '' });
    const [named, link, version] = there.stdout.trim().split('\n');
    expect(named).toBe(`hostb ${world.lab('hostb').home}`);
    const own = await world.lab('hostb').run('readlink', ['/proc/self/ns/net']);
    expect(link).toBe(own.stdout.trim());
    expect(version).toMatch(/\d+\.\d+\.\d+/);
  });

  test('a connection that is cut is noticed at once; a link that is cut says nothing', async (context) => {
    if (over === 'namespaces') context.skip(NO_NAMESPACES !== undefined, NO_NAMESPACES);
    context.skip(NO_SSHD !== undefined, NO_SSHD);
    world = await hosts(['hosta', 'hostb'], { over });
    const sshd = await Sshd.start(world, 'hostb');
    const destination = await sshd.letIn('hosta');
    const ssh = ['-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=1', destination, 'echo in; cat'];
    const open = () => {
      const child = world.start('hosta', ['ssh', ...ssh], world.lab('hosta').env);
      let heard = '';
      child.stdout?.on('data', (text) => {
        heard += text;
      });
      return { child, heard: () => heard };
    };
    const first = open();
    await until('it has logged in', () => first.heard() === 'in\n');
    expect(sshd.connections.length).toBe(1);
    await sshd.cut();
    await until('its end is noticed', () => first.child.exitCode === 255);
    const second = open();
    await until('it has logged in', () => second.heard() === 'in\n');
    await world.cut('hostb');
    await pause(300);
    expect(second.child.exitCode).toBe(null);
    // Its own look, each second, tells that nothing comes back.
    await until('it gives up', () => second.child.exitCode === 255);
    expect(sshd.connections.length).toBe(1);
    await world.mend('hostb');
  });
});
