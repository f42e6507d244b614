import { inQuotes, shellWord } from '../base/shell.ts';
import { cleanLine } from '../base/text.ts';
import { VERSION } from '../base/version.ts';
import { allowsText, type HostRow, type MeshBroker, stateText, viaText } from '../operations/hosts.ts';
import { PROTOCOL_VERSION } from '../operations/request.ts';
import { namesInWords } from '../settings/table.ts';
import { type Found, note, ok, problem } from './finding.ts';

/** Clocks that differ by more are worth a word, in ms: ages and times of jobs look wrong. */
const CLOCK_MS = 10_000;
const TEXT_CHARS = 300;

/** Whether the broker that hubs share is joined, and whether it proves who sends. @param own this hub's name */
export function brokerFindings(own: string, { state, problem: why = '', senders }: MeshBroker): Found[] {
  const id = 'hosts.broker';
  const said = cleanLine(why, TEXT_CHARS);
  if (state === 'name_taken') {
    const title = `Another hub is called ${own}, so this one stays off the broker.`;
    const remedy = `Set ${namesInWords('host')} to another name on one of the two, give that name a user at the broker, and run \`mam hub restart\` there.`;
    return [problem('hosts.name', title, remedy)];
  }
  if (state === 'away') {
    if (said === '') {
      const title = 'The broker is not joined yet, so no host is reached over it: that is being tried now.';
      return [problem(id, title, 'Ask again in 15 s: what is wrong is known then.')];
    }
    const title = `The broker is not joined, so no host is reached over it: ${said}`;
    const remedy =
      'What you fix at the broker is noticed by itself; after a change of the settings, run `mam hub restart`.';
    return [problem(id, title, remedy)];
  }
  if (senders === 'unproven') {
    const title = 'The broker does not check who sends, so what other hosts ask over it is refused.';
    const remedy =
      '`mam hosts acl --broker mosquitto` (or nats, rabbitmq) prints what makes it check. Only if everybody who may use this broker may also run programs here: set `trust_realm` to true in MAM_HOME/config.json.';
    return [problem('hosts.senders', title, remedy)];
  }
  if (senders === 'trusted') {
    const title =
      'The broker does not check who sends, and `trust_realm` is set: anybody on it can pass for another host.';
    return [note('hosts.senders', title, '`mam hosts acl --broker mosquitto` prints what makes it check.')];
  }
  return [ok(id, `The broker is joined${senders === 'proven' ? ', and checks who sends' : ''}`)];
}

/** Whether a host can be reached now, and what is wrong with it, in one finding or a few. @param broker what `brokerFindings` tells of */
export function hostFindings(row: HostRow, broker?: MeshBroker): Found[] {
  const { host, state, problem: why, version, round_trip_ms: ms } = row;
  const id = `hosts.${host}`;
  if (row.via === undefined) {
    const title = `${host} cannot be reached: it has no \`ssh\` in hosts, and no broker is configured.`;
    return [
      problem(
        id,
        title,
        `Give ${host} an \`ssh\` destination in MAM_HOME/config.json, or set ${namesInWords('brokerUrl')}.`,
      ),
    ];
  }
  const said = why === undefined ? '' : ` ${cleanLine(why, TEXT_CHARS)}`;
  if (state !== 'online') {
    const title = `${host} (${viaText(row)}): ${stateText(row)}.`;
    if (row.via === 'broker' && broker !== undefined && broker.state !== 'joined')
      return [note(id, title, 'It can be heard from once the broker is joined.')];
    return [note(id, `${title}${said}`, awayRemedy(row))];
  }
  if (why !== undefined)
    return [problem(id, `${host} is there, but cannot be asked.${said}`, protocolRemedy(row))];
  const trip = ms === undefined ? '' : `, answers in ${Math.max(1, ms)} ms`;
  const older =
    version === undefined || version === VERSION ? '' : `, version ${cleanLine(version, TEXT_CHARS)}`;
  return [ok(id, `${host} (${viaText(row)}) is online${trip}${older}`), ...clockFindings(row)];
}

/** What two hosts may ask of each other, a finding each way. */
export function policyFindings({ host, via, may_we: ours, may_it: its, named }: HostRow): Found[] {
  const nobody = `In its MAM_HOME/config.json, \`hosts\` may have this host with \`"may": { "delegate": true, "workdirs": ["/srv/work"] }\`.`;
  const found =
    ours?.delegate === false
      ? note(
          'hosts.may_we',
          `${host} lets us do ${allowsText(ours, '?')}: no job can be delegated to it.`,
          nobody,
        )
      : ok('hosts.may_we', `We may ask of ${host}: ${allowsText(ours, '?')}`);
  const shell = via === 'ssh' ? ' (over ssh, we have a shell there anyway)' : '';
  const stranger = named ? '' : ' (it is not in our `hosts`)';
  return [
    shell === '' ? found : { ...found, title: `${found.title}${shell}` },
    ok('hosts.may_it', `${host} may ask of us: ${allowsText(its, 'nothing')}${stranger}`),
  ];
}

function clockFindings({ host, clock_ms: ms = 0 }: HostRow): Found[] {
  if (Math.abs(ms) <= CLOCK_MS) return [];
  const seconds = Math.round(Math.abs(ms) / 1_000);
  const title = `The clock of ${host} is ${seconds} s ${ms > 0 ? 'ahead of' : 'behind'} ours.`;
  const remedy =
    'Synchronise both with a time server (`timedatectl`). Jobs work, but their times and ages do not match.';
  return [note('hosts.clock', title, remedy)];
}

function awayRemedy({ host, state, via, ssh, mam = 'mam', problem: why = '' }: HostRow): string {
  if (via === 'socket') return `It will be back when its hub connects to ours again.`;
  if (via === 'broker') {
    const names = state === 'unknown' ? '`mam hosts --all` shows the names that the broker knows. ' : '';
    return `${names}On ${host}, \`mam hub\` says whether its hub runs and has joined the broker; \`mam hub install\` keeps it running.`;
  }
  if (/\bmam\b.*(not found|too old)|not found.*\bmam\b/i.test(why))
    return `Install the current version of mam there, or write where it is: \`"mam": "/path/to/mam"\` next to \`ssh\` of ${host} in MAM_HOME/config.json.`;
  // The shell here must leave `$PATH` to the one there.
  const call = mam === shellWord(mam) ? `${mam} --version` : inQuotes(`${mam} --version`);
  return `\`ssh ${ssh ?? host} ${call}\` must work here without asking anything; if it does, \`mam hub logs\` shows what is wrong.`;
}

function protocolRemedy({ host, protocol = PROTOCOL_VERSION }: HostRow): string {
  if (protocol === PROTOCOL_VERSION) return '`mam hub logs` shows what is wrong.';
  const older = protocol < PROTOCOL_VERSION ? host : 'this host';
  return `Update mam on ${older}, then run \`mam hub restart\` there; open jobs go on.`;
}
