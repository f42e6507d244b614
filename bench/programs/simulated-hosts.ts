// Simulated hosts, started with a channel: joins a broker when its parent says so, then makes events at a rate.
import { passwordOf } from '../../test/support/hosts/passwords.ts';
import { SimulatedHost, Traffic } from '../support/simulated-host.ts';
import type { SimulationOrder, SimulationReport } from '../support/simulation.ts';

/** How often events are made, in ms. */
const TICK_MS = 10;

const traffic = new Traffic();
const hosts: SimulatedHost[] = [];
let perSecond = 0;
let owed = 0;
let last = performance.now();
let at = 0;

setInterval(() => {
  const now = performance.now();
  owed += (perSecond * (now - last)) / 1_000;
  last = now;
  for (; owed >= 1; owed--) hosts[at++ % hosts.length]?.event();
}, TICK_MS);

process.on('message', async (order: SimulationOrder) => {
  if (order.do === 'join') {
    const { url, names, all, partners, jobs, real } = order;
    for (const name of names) {
      const index = all.indexOf(name);
      const others = Array.from({ length: partners }, (_, n) => all[(index + n + 1) % all.length] ?? '');
      const host = new SimulatedHost(name, others, jobs, real, traffic);
      await host.join(url, passwordOf(name));
      hosts.push(host);
    }
    tell({ ready: true });
  }
  if (order.do === 'rate') perSecond = order.perSecond;
  if (order.do === 'reset') traffic.reset();
  if (order.do === 'count') {
    const bytes = hosts.map((host) => host.bytes);
    const sum = (of: 'said' | 'heard') => bytes.reduce((total, one) => total + one[of], 0);
    tell({ traffic: { ...traffic }, bytes: { said: sum('said'), heard: sum('heard') } });
  }
  if (order.do === 'leave') {
    await Promise.all(hosts.map((host) => host.leave()));
    process.exit(0);
  }
});

function tell(report: SimulationReport): void {
  process.send?.(report);
}
